#define CAF_SUITE signing_keys
#include "sts/signing_keys.hpp"

#include "runtime/encoding.hpp"
#include "tests/unit/sts/failing_store.hpp"

#include <boost/json.hpp>
#include <caf/test/unit_test.hpp>

using namespace postern::sts;
namespace rt = postern::runtime;
using postern::sts::testing::failing_store;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{3};
  failing_store store;
  rt::sealing_key first = rt::make_sealing_key(random);
  rt::sealing_key second = rt::make_sealing_key(random);
  options settings;

  std::shared_ptr<const rt::key_ring> ring(std::vector<rt::sealing_key> keys) {
    return std::make_shared<const rt::key_ring>(std::move(keys), random);
  }
  std::unique_ptr<signing_keys> make(std::vector<rt::sealing_key> keys) {
    return std::make_unique<signing_keys>(settings, store, ring(std::move(keys)), clock);
  }
  std::unique_ptr<signing_keys> started() {
    auto keys = make({first});
    keys->start().value();
    return keys;
  }

  static std::string sign(signing_keys& keys) { return keys.sign({{"a", 1}}, "JWT").value(); }
  static std::string kid(const std::string& token) {
    return rt::read_jws_header(token).value().key_id;
  }
  static size_t published(signing_keys& keys) {
    return boost::json::parse(keys.jwks()).as_object().at("keys").as_array().size();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(signing_keys_tests, fixture)

CAF_TEST(the first start makes one key that signs at once) {
  auto keys = started();
  CAF_CHECK_EQUAL(published(*keys), 1u);
  auto token = sign(*keys);
  CAF_CHECK(keys->verify(token).has_value());
  CAF_CHECK(rt::key_set::parse(keys->jwks()).value().contains(kid(token)));
}

CAF_TEST(the JWKS holds no private part) {
  auto text = started()->jwks();
  CAF_CHECK(text.find("\"kid\"") != std::string::npos);
  CAF_CHECK(text.find("\"d\"") == std::string::npos);
}

CAF_TEST(the record holds no readable key) {
  auto keys = started();
  auto records = store.load("sts_key").value();
  CAF_REQUIRE_EQUAL(records.size(), 1u);
  CAF_CHECK_EQUAL(records[0].key, kid(sign(*keys)));
  CAF_CHECK(records[0].value.starts_with(first.id + "."));
}

CAF_TEST(a restart signs with the same key) {
  auto before = kid(sign(*started()));
  CAF_CHECK_EQUAL(kid(sign(*started())), before);
  CAF_CHECK_EQUAL(store.load("sts_key").value().size(), 1u);
}

CAF_TEST(a new key is published before it signs) {
  auto keys = started();
  auto old = kid(sign(*keys));
  clock.advance(hours{24 * 29} - seconds{1});
  CAF_CHECK_EQUAL(published(*keys), 1u);
  clock.advance(seconds{1});
  CAF_CHECK_EQUAL(published(*keys), 2u);
  CAF_CHECK_EQUAL(kid(sign(*keys)), old);
  clock.advance(hours{24} - seconds{1});
  CAF_CHECK_EQUAL(kid(sign(*keys)), old);
  clock.advance(seconds{1});
  CAF_CHECK_NOT_EQUAL(kid(sign(*keys)), old);
}

CAF_TEST(a rotation keeps old tokens verifiable until they have expired) {
  auto keys = started();
  clock.advance(hours{24 * 29});
  keys->jwks();
  clock.advance(hours{24} - seconds{1});
  auto last = sign(*keys);
  clock.advance(seconds{1});
  CAF_CHECK_NOT_EQUAL(kid(sign(*keys)), kid(last));
  clock.advance(hours{24} - seconds{1});
  CAF_CHECK(keys->verify(last).has_value());
  CAF_CHECK_EQUAL(published(*keys), 2u);
  clock.advance(seconds{1});
  CAF_CHECK_EQUAL(published(*keys), 1u);
  CAF_CHECK(!keys->verify(last).has_value());
  CAF_CHECK_EQUAL(store.load("sts_key").value().size(), 1u);
}

CAF_TEST(retention is never shorter than a token lives) {
  settings.key_retention = seconds{1};
  settings.access_token_lifetime = hours{48};
  auto keys = started();
  clock.advance(hours{24 * 29});
  keys->jwks();
  clock.advance(hours{24} - seconds{1});
  auto last = sign(*keys);
  clock.advance(hours{48});
  CAF_CHECK(keys->verify(last).has_value());
}

CAF_TEST(a restart in the middle of a rotation goes on with it) {
  auto keys = started();
  auto old = kid(sign(*keys));
  clock.advance(hours{24 * 29});
  keys->jwks();
  keys = started();
  CAF_CHECK_EQUAL(published(*keys), 2u);
  CAF_CHECK_EQUAL(kid(sign(*keys)), old);
  clock.advance(hours{24});
  CAF_CHECK_NOT_EQUAL(kid(sign(*keys)), old);
  CAF_CHECK_EQUAL(published(*keys), 2u);
}

CAF_TEST(a node that was off for months publishes ahead all the same) {
  auto old = kid(sign(*started()));
  clock.advance(hours{24 * 200});
  auto keys = started();
  CAF_CHECK_EQUAL(kid(sign(*keys)), old);
  CAF_CHECK_EQUAL(published(*keys), 2u);
  clock.advance(hours{24});
  CAF_CHECK_NOT_EQUAL(kid(sign(*keys)), old);
}

CAF_TEST(another node on the same store makes no second key) {
  auto one = started();
  auto other = started();
  clock.advance(hours{24 * 29});
  one->jwks();
  other->jwks();
  CAF_CHECK(boost::json::parse(one->jwks()) == boost::json::parse(other->jwks()));
  CAF_CHECK_EQUAL(store.load("sts_key").value().size(), 2u);
}

CAF_TEST(a store that is down only postpones the rotation) {
  auto keys = started();
  auto old = kid(sign(*keys));
  store.broken = true;
  clock.advance(hours{24 * 40});
  CAF_CHECK_EQUAL(kid(sign(*keys)), old);
  store.broken = false;
  clock.advance(seconds{60});
  CAF_CHECK_EQUAL(published(*keys), 2u);
}

CAF_TEST(a start without a store says so) {
  store.broken = true;
  auto failed = make({first})->start();
  CAF_REQUIRE(!failed.has_value());
  CAF_CHECK_EQUAL(failed.error().cause, "store_failed");
}

CAF_TEST(a ring without the key of a record is an error that names the record) {
  auto token = sign(*started());
  auto failed = make({second})->start();
  CAF_REQUIRE(!failed.has_value());
  CAF_CHECK_EQUAL(failed.error().cause, "sts_key_unreadable");
  CAF_CHECK(failed.error().detail.find(kid(token)) != std::string::npos);
}

CAF_TEST(a rotated ring seals the keys again) {
  auto before = kid(sign(*started()));
  auto keys = make({second, first});
  keys->start().value();
  CAF_CHECK(store.load("sts_key").value()[0].value.starts_with(second.id + "."));
  auto later = make({second});
  CAF_CHECK(later->start().has_value());
  CAF_CHECK_EQUAL(kid(sign(*later)), before);
}

CAF_TEST(a token of another issuer does not verify) {
  auto keys = started();
  auto other = rt::signing_key::generate().value();
  CAF_CHECK(!keys->verify(other.sign({{"a", 1}}, "JWT").value()).has_value());
}

CAF_TEST(a token without a signature does not verify) {
  auto keys = started();
  auto unsigned_token = rt::to_base64url(R"({"alg":"none","typ":"JWT"})") + "." +
                        rt::to_base64url(R"({"a":1})") + ".";
  auto failed = keys->verify(unsigned_token);
  CAF_REQUIRE(!failed.has_value());
  CAF_CHECK_EQUAL(failed.error().cause, "token_algorithm");
}

CAF_TEST(keys of another node are taken over when they are news) {
  const auto here = started();
  const auto there = started();
  CAF_CHECK_EQUAL(kid(sign(*here)), kid(sign(*there)));
  clock.advance(settings.key_rotation_age - settings.key_publication_lead + seconds{1});
  static_cast<void>(sign(*there));
  CAF_REQUIRE(here->refresh().has_value());
  CAF_CHECK_EQUAL(published(*here), 2u);
  CAF_CHECK_EQUAL(here->jwks(), there->jwks());
  CAF_CHECK_EQUAL(store.load("sts_key").value().size(), 2u);
}

CAF_TEST(a refresh that fails leaves the keys at hand) {
  const auto keys = started();
  const auto before = keys->jwks();
  store.broken = true;
  CAF_CHECK(!keys->refresh());
  CAF_CHECK_EQUAL(keys->jwks(), before);
  CAF_CHECK(!sign(*keys).empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
