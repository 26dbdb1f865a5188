#define CAF_SUITE token_rules
#include "actors/token_rules.hpp"

#include "tests/unit/actors/token_samples.hpp"

#include <boost/json.hpp>

using namespace postern::actors;
using namespace postern::actors::testing;
namespace json = boost::json;

namespace {

const auto now = postern::runtime::from_unix_seconds(start_of_time);
constexpr auto leeway = 60s;

/// The cause that check_claims gives for the sample with one claim replaced (null: removed).
std::string cause_with(std::string_view claim, json::value value,
                       token_expectation wanted = sample_expectation()) {
  auto claims = sample_claims(start_of_time);
  if (value.is_null())
    claims.erase(claim);
  else
    claims[claim] = std::move(value);
  return cause_of(check_claims(claims, wanted, now, leeway));
}

}  // namespace

CAF_TEST(a good token tells the user) {
  const auto token = check_claims(sample_claims(start_of_time), sample_expectation(), now, leeway);
  CAF_REQUIRE(token.has_value());
  CAF_CHECK_EQUAL(token->user.issuer, sample_issuer);
  CAF_CHECK_EQUAL(token->user.subject, "0001");
  CAF_CHECK_EQUAL(token->user.name, "alice");
  CAF_CHECK_EQUAL(token->user.display_name, "Alice A.");
  CAF_CHECK_EQUAL(token->user.email, "alice@example.com");
  CAF_CHECK((token->user.groups == std::vector<std::string>{"staff", "berlin"}));
  CAF_CHECK_EQUAL(token->expires_at, start_of_time + 3600);
  CAF_CHECK_EQUAL(token->authenticated_at, start_of_time - 5);
}

CAF_TEST(without a name the subject is the name) {
  auto claims = sample_claims(start_of_time);
  claims.erase("preferred_username");
  claims.erase("auth_time");
  const auto token = check_claims(claims, sample_expectation(), now, leeway);
  CAF_REQUIRE(token.has_value());
  CAF_CHECK_EQUAL(token->user.name, "0001");
  CAF_CHECK_EQUAL(token->authenticated_at, start_of_time);
}

CAF_TEST(the issuer must be the same to the letter) {
  CAF_CHECK_EQUAL(cause_with("iss", "https://sts.example.com/"), "token_issuer");
  CAF_CHECK_EQUAL(cause_with("iss", nullptr), "token_issuer");
  CAF_CHECK_EQUAL(cause_with("iss", 7), "token_issuer");
  auto careless = sample_expectation();
  careless.issuer.clear();
  CAF_CHECK_EQUAL(cause_with("iss", "", careless), "token_issuer");
}

CAF_TEST(the audience is a text or a list) {
  CAF_CHECK_EQUAL(cause_with("aud", "other"), "token_audience");
  CAF_CHECK_EQUAL(cause_with("aud", nullptr), "token_audience");
  CAF_CHECK_EQUAL(cause_with("aud", json::array{}), "token_audience");
  CAF_CHECK_EQUAL(cause_with("aud", json::array{"wiki", 7}), "token_audience");
  CAF_CHECK_EQUAL(cause_with("aud", json::array{"wiki"}), "");
  auto careless = sample_expectation();
  careless.audience.clear();
  CAF_CHECK_EQUAL(cause_with("aud", "", careless), "token_audience");
}

CAF_TEST(of several audiences the authorized party must be ours) {
  CAF_CHECK_EQUAL(cause_with("aud", json::array{"wiki", "zoo"}), "token_audience");
  auto claims = sample_claims(start_of_time);
  claims["aud"] = json::array{"zoo", "wiki"};
  claims["azp"] = "zoo";
  CAF_CHECK_EQUAL(cause_of(check_claims(claims, sample_expectation(), now, leeway)),
                  "token_audience");
  claims["azp"] = "wiki";
  CAF_CHECK_EQUAL(cause_of(check_claims(claims, sample_expectation(), now, leeway)), "");
  CAF_CHECK_EQUAL(cause_with("azp", "zoo"), "token_audience");
}

CAF_TEST(the time window has leeway on both sides and no more) {
  const auto at = [](int64_t seconds) { return json::value(start_of_time + seconds); };
  CAF_CHECK_EQUAL(cause_with("exp", at(-59)), "");
  CAF_CHECK_EQUAL(cause_with("exp", at(-60)), "token_expired");
  CAF_CHECK_EQUAL(cause_with("iat", at(60)), "");
  CAF_CHECK_EQUAL(cause_with("iat", at(61)), "token_not_yet_valid");
  CAF_CHECK_EQUAL(cause_with("nbf", at(60)), "");
  CAF_CHECK_EQUAL(cause_with("nbf", at(61)), "token_not_yet_valid");
}

CAF_TEST(dates may be fractions but must be dates) {
  CAF_CHECK_EQUAL(cause_with("exp", static_cast<double>(start_of_time) + 0.5), "");
  CAF_CHECK_EQUAL(cause_with("exp", 1e300), "");
  CAF_CHECK_EQUAL(cause_with("exp", -1), "token_malformed");
  CAF_CHECK_EQUAL(cause_with("exp", "tomorrow"), "token_malformed");
  CAF_CHECK_EQUAL(cause_with("exp", nullptr), "token_malformed");
  CAF_CHECK_EQUAL(cause_with("iat", nullptr), "token_malformed");
  CAF_CHECK_EQUAL(cause_with("nbf", false), "token_malformed");
}

CAF_TEST(the nonce must be the one of the attempt) {
  CAF_CHECK_EQUAL(cause_with("nonce", "n-2"), "token_nonce");
  CAF_CHECK_EQUAL(cause_with("nonce", nullptr), "token_nonce");
  CAF_CHECK_EQUAL(cause_with("nonce", json::array{"n-1"}), "token_nonce");
  auto access = sample_expectation();
  access.nonce.clear();
  CAF_CHECK_EQUAL(cause_with("nonce", nullptr, access), "");
}

CAF_TEST(claims that would break a header are not taken) {
  CAF_CHECK_EQUAL(cause_with("sub", "a\r\nX-Evil: 1"), "token_malformed");
  CAF_CHECK_EQUAL(cause_with("sub", json::string(256, 'a')), "token_malformed");
  CAF_CHECK_EQUAL(cause_with("sub", nullptr), "token_malformed");
  auto claims = sample_claims(start_of_time);
  claims["email"] = "a\nb";
  claims["groups"] = json::array{"staff", "a\nb", 7};
  const auto token = check_claims(claims, sample_expectation(), now, leeway);
  CAF_REQUIRE(token.has_value());
  CAF_CHECK_EQUAL(token->user.email, "");
  CAF_CHECK((token->user.groups == std::vector<std::string>{"staff"}));
}

CAF_TEST(type and algorithm are checked before any key) {
  const auto cause = [](std::string algorithm, std::string type, std::string required) {
    return cause_of(
        check_header({.algorithm = std::move(algorithm), .type = std::move(type)}, required));
  };
  for (const auto* good : {"RS256", "PS256", "ES256"})
    CAF_CHECK_EQUAL(cause(good, "JWT", ""), "");
  for (const auto* bad : {"none", "None", "HS256", "RS1", "es256", ""})
    CAF_CHECK_EQUAL(cause(bad, "JWT", ""), "token_algorithm");
  CAF_CHECK_EQUAL(cause("ES256", "", ""), "");
  CAF_CHECK_EQUAL(cause("ES256", "at+jwt", ""), "token_malformed");
  CAF_CHECK_EQUAL(cause("ES256", "application/AT+JWT", ""), "token_malformed");
  CAF_CHECK_EQUAL(cause("ES256", "application/at+jwt", "at+jwt"), "");
  CAF_CHECK_EQUAL(cause("ES256", "JWT", "at+jwt"), "token_malformed");
}

CAF_TEST(a nonce is accepted once until it may be forgotten) {
  nonce_memory memory;
  CAF_CHECK(memory.accept("a", now + 10s));
  CAF_CHECK(!memory.accept("a", now + 20s));
  CAF_CHECK(memory.accept("b", now + 20s));
  memory.forget(now + 10s);
  CAF_CHECK_EQUAL(memory.size(), 1u);
  CAF_CHECK(!memory.accept("b", now + 30s));
  CAF_CHECK(memory.accept("a", now + 30s));
}

CAF_TEST(the memory of nonces is bounded) {
  nonce_memory memory;
  for (size_t i = 0; i < nonce_memory::limit + 2; ++i)
    memory.accept(std::to_string(i), now + std::chrono::seconds(i));
  CAF_CHECK_EQUAL(memory.size(), nonce_memory::limit);
  CAF_CHECK(!memory.accept(std::to_string(nonce_memory::limit), now));
}
