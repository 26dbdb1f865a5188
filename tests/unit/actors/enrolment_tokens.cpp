#define CAF_SUITE enrolment_tokens
// What a token goes through in a store; the rules one by one stand in enrolment_rules.cpp.
#include "actors/enrolment_tokens.hpp"

#include "runtime/blob.hpp"
#include "tests/unit/actors/store_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::error_category;

namespace {

struct token_fixture {
  std::unique_ptr<postern::runtime::store> medium = postern::runtime::make_memory_store();
  postern::runtime::seeded_random_source random{1};
  postern::runtime::timestamp now = postern::runtime::from_unix_seconds(start_of_time);

  std::vector<postern::runtime::stored_record> records() {
    return medium->load(enrolment_token_kind).value();
  }
  /// A token that the store knows.
  enrolment_token made(enrolment_token_request wanted) {
    auto made = make_enrolment_token(records(), wanted, now, random).value();
    CAF_REQUIRE(medium->commit(made.writes).has_value());
    return made.token;
  }
  postern::runtime::result<granted_enrolment> grant(const std::string& token,
                                                    const std::string& group = {}) {
    return use_enrolment_token(records(), token, group, now);
  }
  bool spend(const granted_enrolment& granted) {
    return medium->commit({granted.spend}).has_value();
  }
  void put(const std::string& key, const std::string& value) {
    CAF_REQUIRE(
        medium->commit({{.kind = enrolment_token_kind, .key = key, .value = value}}).has_value());
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(enrolment_tokens_tests, token_fixture)

CAF_TEST(the key of a token is its SHA 256 in hexadecimal) {
  // FIPS 180-4, the example of one block.
  CAF_CHECK_EQUAL(enrolment_token_key("abc"),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

CAF_TEST(a token says what was asked for and no two are the same) {
  const auto token = made({.group = "berlin", .uses = 3, .lifetime = 2h});
  CAF_CHECK_EQUAL(token.token.size(), 43u);  // 256 bits as base64url
  CAF_CHECK_EQUAL(token.group, "berlin");
  CAF_CHECK_EQUAL(token.uses, 3u);
  CAF_CHECK(token.expires == now + 2h);
  const auto another = made({.group = "berlin"});
  CAF_CHECK_NOT_EQUAL(another.token, token.token);
  CAF_CHECK_EQUAL(records().size(), 2u);
}

CAF_TEST(the bounds themselves may be asked for) {
  const auto longest = made({.uses = most_token_uses, .lifetime = longest_token_lifetime});
  const auto shortest = made({.uses = 1, .lifetime = 1s});
  CAF_CHECK(grant(shortest.token).has_value());
  now += longest_token_lifetime - 1s;
  CAF_CHECK(grant(longest.token).has_value());
  CAF_CHECK_EQUAL(cause_of(grant(shortest.token)), "enrolment_token_expired");
}

CAF_TEST(two who use a token at the same moment spend it one after the other) {
  const auto token = made({.group = "berlin", .uses = 2});
  const auto first = grant(token.token).value();
  const auto second = grant(token.token).value();
  CAF_CHECK(spend(first));
  CAF_CHECK(!spend(second));
  CAF_CHECK(spend(grant(token.token).value()));
  CAF_CHECK_EQUAL(cause_of(grant(token.token)), "enrolment_token_used_up");
}

CAF_TEST(a use spends nothing of another token) {
  const auto first = made({.group = "berlin"});
  const auto second = made({.group = "paris"});
  CAF_CHECK(spend(grant(first.token).value()));
  const auto granted = grant(second.token);
  CAF_REQUIRE(granted.has_value());
  CAF_CHECK_EQUAL(granted->group, "paris");
  CAF_CHECK(spend(*granted));
}

CAF_TEST(every refusal is forbidden and tells tokens apart without showing one) {
  const auto used = made({.group = "berlin"});
  CAF_REQUIRE(spend(grant(used.token).value()));
  const auto other = made({.group = "berlin"});
  for (const auto& [token, cause] : {std::pair{used.token, "enrolment_token_used_up"},
                                     {other.token, "enrolment_token_group"},
                                     {std::string{"invented"}, "enrolment_token_unknown"},
                                     {std::string{}, "enrolment_token_unknown"}}) {
    const auto refused = grant(token, "paris");
    CAF_CHECK_EQUAL(cause_of(refused), cause);
    CAF_CHECK(refused.error().category == error_category::forbidden);
    const auto key = enrolment_token_key(token);
    CAF_CHECK(refused.error().detail.find(key.substr(0, 8)) != std::string::npos);
    CAF_CHECK(refused.error().detail.find(key) == std::string::npos);
    CAF_CHECK(token.empty() || refused.error().detail.find(token) == std::string::npos);
  }
}

CAF_TEST(whoever enrolled by a token is named by the beginning of its hash) {
  const auto token = made({.group = "berlin"});
  const auto key = enrolment_token_key(token.token);
  CAF_CHECK(grant(token.token)->by == "token " + key.substr(0, 8));
}

CAF_TEST(a token whose record is damaged is unknown) {
  const auto token = made({.group = "berlin"});
  put(enrolment_token_key(token.token), "nonsense");
  CAF_CHECK_EQUAL(cause_of(grant(token.token)), "enrolment_token_unknown");
}

CAF_TEST(a new token sweeps what is damaged or long expired and nothing else) {
  const auto old = made({.group = "berlin", .lifetime = 1h});
  now += 24h;
  const auto expired = made({.group = "berlin", .lifetime = 1h});
  const auto live = made({.group = "berlin", .lifetime = longest_token_lifetime});
  put("damaged", "nonsense");
  now += expired_token_memory;
  const auto newest = made({.group = "berlin", .lifetime = 1h});
  CAF_CHECK_EQUAL(records().size(), 3u);
  CAF_CHECK_EQUAL(cause_of(grant(old.token)), "enrolment_token_unknown");
  CAF_CHECK_EQUAL(cause_of(grant(expired.token)), "enrolment_token_expired");
  CAF_CHECK(grant(live.token).has_value());
  CAF_CHECK(grant(newest.token).has_value());
}

CAF_TEST_FIXTURE_SCOPE_END()
