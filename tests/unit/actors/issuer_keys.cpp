#define CAF_SUITE issuer_keys
#include "actors/issuer_keys.hpp"

#include <boost/json.hpp>
#include <caf/test/dsl.hpp>

using namespace postern::actors;
using namespace std::chrono_literals;
using postern::runtime::error;
using postern::runtime::error_category;
using postern::runtime::signing_key;
namespace json = boost::json;

namespace {

using need = issuer_keys::need;

const error down{error_category::unavailable, "connect_failed", "sts", "as the test wants it"};

struct keys_fixture {
  issuer_keys keys;
  issuer_keys::time_point now = issuer_keys::time_point{} + 100h;
  signing_key key = signing_key::generate().value();
  signing_key stranger = signing_key::generate().value();

  static std::string document(const signing_key& published) {
    return json::serialize(json::object{{"keys", json::array{published.public_jwk()}}});
  }
  void fetched(const std::string& jwks) {
    keys.begin_fetch(now);
    keys.end_fetch(jwks, now);
  }
  need needed(const std::string& key_id) const {
    return keys.what_is_needed({.algorithm = "ES256", .key_id = key_id}, now);
  }
  /// The cause for which a token of the key is refused; empty if it is not.
  std::string refusal(const signing_key& by) const {
    const auto claims = keys.verify({.token = by.sign({{"sub", "0001"}}, "JWT").value()});
    return claims.has_error() ? claims.error().cause : std::string{};
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(issuer_keys_tests, keys_fixture)

CAF_TEST(before there are keys every token waits for them) {
  CAF_CHECK(needed(key.key_id()) == need::wait);
  CAF_CHECK(needed("") == need::wait);
  keys.begin_fetch(now);
  CAF_CHECK(keys.fetching());
  CAF_CHECK(needed(key.key_id()) == need::wait);
  CAF_CHECK(needed("") == need::wait);
  keys.end_fetch(document(key), now);
  CAF_CHECK(!keys.fetching());
  CAF_CHECK(needed(key.key_id()) == need::none);
  CAF_CHECK(needed("") == need::none);
  CAF_CHECK_EQUAL(refusal(key), "");
}

CAF_TEST(one fetch runs at a time and the next begins an interval later) {
  CAF_CHECK(keys.may_fetch(now));
  keys.begin_fetch(now);
  CAF_CHECK(!keys.may_fetch(now + key_fetch_interval));
  // The interval counts from the beginning, so that a slow issuer is not asked less often.
  keys.end_fetch(document(key), now + key_fetch_interval - 1ms);
  CAF_CHECK(!keys.may_fetch(now + key_fetch_interval - 1ms));
  CAF_CHECK(keys.may_fetch(now + key_fetch_interval));
}

CAF_TEST(an unknown key id waits for a fetch once in an interval) {
  fetched(document(key));
  CAF_CHECK(needed(stranger.key_id()) == need::none);
  CAF_CHECK_EQUAL(refusal(stranger), "token_unknown_key");
  now += key_fetch_interval;
  CAF_CHECK(needed(stranger.key_id()) == need::wait);
  keys.begin_fetch(now);
  CAF_CHECK(needed(stranger.key_id()) == need::wait);
  CAF_CHECK(needed(key.key_id()) == need::none);
  keys.end_fetch(document(key), now);
  CAF_CHECK(needed(stranger.key_id()) == need::none);
}

CAF_TEST(a token without a key id does not wait once there are keys) {
  fetched(document(key));
  now += key_fetch_interval;
  CAF_CHECK(needed("") == need::none);
  now += key_refresh_interval;
  CAF_CHECK(needed("") == need::background);
}

CAF_TEST(keys that are an hour old are fetched again in the background) {
  fetched(document(key));
  now += key_refresh_interval - 1s;
  CAF_CHECK(needed(key.key_id()) == need::none);
  now += 1s;
  CAF_CHECK(needed(key.key_id()) == need::background);
  keys.begin_fetch(now);
  CAF_CHECK(needed(key.key_id()) == need::none);
  keys.end_fetch(document(key), now);
  now += key_fetch_interval;
  CAF_CHECK(needed(key.key_id()) == need::none);
}

CAF_TEST(an issuer that was never reached is named and not asked at once again) {
  CAF_CHECK_EQUAL(refusal(key), "sts_unreachable");
  keys.begin_fetch(now);
  keys.fail_fetch(down);
  CAF_CHECK(needed(key.key_id()) == need::none);
  const auto refused = keys.verify({.token = key.sign({}, "JWT").value()});
  CAF_REQUIRE(refused.has_error());
  CAF_CHECK_EQUAL(refused.error().cause, "sts_unreachable");
  CAF_CHECK_EQUAL(refused.error().source, "sts");
  CAF_CHECK(refused.error().category == error_category::unavailable);
  now += key_fetch_interval;
  CAF_CHECK(needed(key.key_id()) == need::wait);
}

CAF_TEST(known keys outlast a failed fetch and unknown ones are no fault of the token) {
  fetched(document(key));
  now += key_refresh_interval;
  keys.begin_fetch(now);
  keys.fail_fetch(down);
  CAF_CHECK_EQUAL(refusal(key), "");
  CAF_CHECK_EQUAL(refusal(stranger), "sts_unreachable");
  CAF_CHECK(needed(key.key_id()) == need::none);
  now += key_fetch_interval;
  CAF_CHECK(needed(key.key_id()) == need::background);
  fetched(document(key));
  CAF_CHECK_EQUAL(refusal(stranger), "token_unknown_key");
}

CAF_TEST(a forged signature is the fault of the token whatever became of the fetch) {
  fetched(document(key));
  keys.begin_fetch(now);
  keys.fail_fetch(down);
  auto forged = key.sign({{"sub", "0001"}}, "JWT").value();
  auto& middle = forged[forged.rfind('.') + 20];
  middle = middle == 'A' ? 'B' : 'A';
  const auto refused = keys.verify({.token = forged});
  CAF_REQUIRE(refused.has_error());
  CAF_CHECK_EQUAL(refused.error().cause, "token_signature");
}

CAF_TEST(a malformed document leaves the old keys as they are and as old as they are) {
  fetched(document(key));
  now += key_refresh_interval;
  fetched("<html>");
  CAF_CHECK(!keys.fetching());
  CAF_CHECK_EQUAL(refusal(key), "");
  CAF_CHECK_EQUAL(refusal(stranger), "sts_unreachable");
  now += key_fetch_interval;
  CAF_CHECK(needed(key.key_id()) == need::background);
}

CAF_TEST(a key that was withdrawn is unknown after the next good fetch) {
  fetched(document(key));
  fetched(document(stranger));
  CAF_CHECK_EQUAL(refusal(key), "token_unknown_key");
  CAF_CHECK_EQUAL(refusal(stranger), "");
}

CAF_TEST_FIXTURE_SCOPE_END()
