#define CAF_SUITE token_issuer
#include "sts/token_issuer.hpp"

#include "runtime/json_members.hpp"
#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::seconds;

namespace {

constexpr int64_t start = 1'700'000'000;

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(start)};
  rt::seeded_random_source random{23};
  std::unique_ptr<rt::store> store = rt::make_memory_store();
  options settings{
      .issuer = issuer, .id_token_lifetime = seconds{100}, .access_token_lifetime = seconds{200}};
  account_directory accounts{issuer, people()};
  signing_keys keys{
      settings, *store,
      std::make_shared<const rt::key_ring>(std::vector{rt::make_sealing_key(random)}, random),
      clock};
  token_issuer tokens{settings, accounts, keys, clock, random};
  const postern::config::user ada = people()[0];
  const client wiki = applications()[0];

  fixture() { keys.start().value(); }

  boost::json::object issue(const std::string& scope, const std::string& nonce = {}) {
    return tokens.issue({ada, wiki, scope, nonce, {"ada", start - 50, "sid"}}).value();
  }

  static std::string text(const boost::json::object& from, std::string_view name) {
    return std::string{rt::text_member(from, name)};
  }

  /// What an access token of ours says, to be changed and signed again.
  boost::json::object access_claims() {
    return keys.verify(text(issue("openid"), "access_token")).value();
  }

  std::string cause(const std::string& token) {
    auto read = tokens.read_access_token(token);
    if (read) return "none";
    CAF_CHECK(read.error().category == rt::error_category::unauthenticated);
    return read.error().cause;
  }

  std::string cause(const boost::json::object& claims) {
    return cause(keys.sign(claims, "at+jwt").value());
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(token_issuer_tests, fixture)

CAF_TEST(each token lives for its own time) {
  const auto answer = issue("openid");
  CAF_CHECK(answer.at("expires_in") == boost::json::value(200));
  const auto access = keys.verify(text(answer, "access_token")).value();
  CAF_CHECK(access.at("exp") == boost::json::value(start + 200));
  const auto id = keys.verify(text(answer, "id_token")).value();
  CAF_CHECK(id.at("exp") == boost::json::value(start + 100));
  CAF_CHECK(id.at("auth_time") == boost::json::value(start - 50));
  CAF_CHECK_EQUAL(text(id, "sid"), "sid");
}

CAF_TEST(without openid there is no id token) {
  const auto answer = issue("profile");
  CAF_CHECK(!answer.contains("id_token"));
  CAF_CHECK_EQUAL(text(answer, "scope"), "profile");
  CAF_CHECK_EQUAL(text(answer, "token_type"), "Bearer");
}

CAF_TEST(a nonce stands in the id token only if there is one) {
  const auto with = issue("openid", "n-1");
  CAF_CHECK_EQUAL(text(keys.verify(text(with, "id_token")).value(), "nonce"), "n-1");
  CAF_CHECK(!keys.verify(text(with, "access_token")).value().contains("nonce"));
  CAF_CHECK(!keys.verify(text(issue("openid"), "id_token")).value().contains("nonce"));
}

CAF_TEST(no two access tokens are the same) {
  CAF_CHECK_NOT_EQUAL(text(access_claims(), "jti"), text(access_claims(), "jti"));
}

CAF_TEST(an access token opens userinfo until it expires) {
  const auto token = text(issue("openid"), "access_token");
  clock.advance(seconds{199});
  CAF_CHECK_EQUAL(cause(token), "none");
  clock.advance(seconds{1});
  CAF_CHECK_EQUAL(cause(token), "token_expired");
}

CAF_TEST(a token that is not for us or not of us opens nothing) {
  auto claims = access_claims();
  CAF_CHECK_EQUAL(cause(claims), "none");
  claims["aud"] = "postern-admin";
  CAF_CHECK_EQUAL(cause(claims), "token_audience");
  claims["aud"] = issuer;
  claims["iss"] = "https://sts.example";
  CAF_CHECK_EQUAL(cause(claims), "token_issuer");
  claims.erase("iss");
  CAF_CHECK_EQUAL(cause(claims), "token_issuer");
  CAF_CHECK_EQUAL(cause(text(issue("openid"), "id_token")), "token_type");
  CAF_CHECK_EQUAL(cause("nonsense"), "token_malformed");
}

CAF_TEST(a token without its times opens nothing) {
  auto claims = access_claims();
  claims.erase("iat");
  CAF_CHECK_EQUAL(cause(claims), "token_revoked");
  claims = access_claims();
  claims.erase("exp");
  CAF_CHECK_EQUAL(cause(claims), "token_expired");
  claims["exp"] = std::to_string(start + 200);
  CAF_CHECK_EQUAL(cause(claims), "token_expired");
}

CAF_TEST(a token from before a required sign in opens nothing) {
  const auto before = text(issue("openid"), "access_token");
  accounts.require_new_sign_in("bob", clock.now());
  CAF_CHECK_EQUAL(cause(before), "none");
  accounts.require_new_sign_in("ada", clock.now());
  CAF_CHECK_EQUAL(cause(before), "token_revoked");
  clock.advance(seconds{1});
  CAF_CHECK_EQUAL(cause(text(issue("openid"), "access_token")), "none");
}

CAF_TEST(a hint says who is meant even when it has expired) {
  const auto answer = issue("openid");
  clock.advance(seconds{101});
  auto hint = tokens.read_id_token_hint(text(answer, "id_token"));
  CAF_REQUIRE(hint.has_value());
  CAF_CHECK_EQUAL(text(*hint, "sub"), accounts.subject("ada"));
  CAF_CHECK(!tokens.read_id_token_hint(text(answer, "access_token")));
  boost::json::object foreign{{"iss", "https://other.example"}, {"sub", accounts.subject("ada")}};
  CAF_CHECK(!tokens.read_id_token_hint(keys.sign(foreign, "JWT").value()));
}

CAF_TEST(scopes are granted once each in our order and what is unknown is left out) {
  CAF_CHECK_EQUAL(granted_scope("groups email  openid email"), "openid email groups");
  CAF_CHECK_EQUAL(granted_scope("openid profile email groups"), "openid profile email groups");
  for (auto scope : {"", " ", "pancakes", "OPENID", "open id", "openid\tprofile"})
    CAF_CHECK_EQUAL(granted_scope(scope), "");
}

CAF_TEST(a word of a list is a whole word) {
  CAF_CHECK(has_word("a", "a"));
  CAF_CHECK(has_word(" b  a ", "a"));
  CAF_CHECK(!has_word("ab ba", "a"));
  CAF_CHECK(!has_word("", ""));
  CAF_CHECK(!has_word("a  b", ""));
  CAF_CHECK(!has_word("a b", "a b"));
}

CAF_TEST(groups are always told and names only if there are any) {
  boost::json::object claims;
  add_profile(claims, people()[1]);
  CAF_CHECK(claims ==
            (boost::json::object{{"preferred_username", "bob"}, {"groups", boost::json::array{}}}));
}

CAF_TEST_FIXTURE_SCOPE_END()
