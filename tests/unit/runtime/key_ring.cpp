#define CAF_SUITE key_ring
#include "runtime/key_ring.hpp"

#include "runtime/encoding.hpp"

#include <caf/test/unit_test.hpp>

#include <set>

namespace rt = postern::runtime;

namespace {

struct fixture {
  rt::seeded_random_source random{1};
  rt::sealing_key older = rt::make_sealing_key(random);
  rt::sealing_key newer = rt::make_sealing_key(random);
  rt::key_ring before{{older}, random};
  rt::key_ring after{{newer, older}, random};

  std::string cause(const rt::key_ring& ring, std::string_view sealed,
                    std::string_view purpose = "cookie") {
    const auto opened = ring.open(sealed, purpose);
    if (opened) return "none";
    CAF_CHECK(opened.error().category == rt::error_category::unauthenticated);
    return opened.error().cause;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(key_ring_tests, fixture)

CAF_TEST(what was sealed opens again) {
  for (const std::string& plain : {std::string{}, std::string{"x"}, std::string(5000, '\0')}) {
    const auto opened = before.open(before.seal(plain, "cookie"), "cookie");
    CAF_REQUIRE(opened.has_value());
    CAF_CHECK(*opened == plain);
  }
}

CAF_TEST(sealed text fits into a cookie and hides the plain text) {
  const auto sealed = before.seal("the plain text", "cookie");
  CAF_CHECK(sealed.starts_with(older.id + "."));
  CAF_CHECK_EQUAL(
      sealed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
      std::string::npos);
  CAF_CHECK_EQUAL(rt::from_base64url(sealed.substr(older.id.size() + 1))->find("plain"),
                  std::string::npos);
}

CAF_TEST(sealing twice gives two texts) {
  CAF_CHECK_NOT_EQUAL(before.seal("same", "cookie"), before.seal("same", "cookie"));
}

CAF_TEST(a rotated ring opens what the old key sealed and seals with the new one) {
  CAF_CHECK_EQUAL(cause(after, before.seal("x", "cookie")), "none");
  CAF_CHECK_EQUAL(after.current_id(), newer.id);
  CAF_CHECK(after.seal("x", "cookie").starts_with(newer.id + "."));
}

CAF_TEST(a key that is not in the ring is named unknown) {
  CAF_CHECK_EQUAL(cause(before, after.seal("x", "cookie")), "seal_unknown_key");
}

CAF_TEST(another purpose does not open it) {
  const auto sealed = before.seal("x", "cookie");
  CAF_CHECK_EQUAL(cause(before, sealed, "cookie"), "none");
  CAF_CHECK_EQUAL(cause(before, sealed, "authority"), "seal_forged");
  CAF_CHECK_EQUAL(cause(before, sealed, ""), "seal_forged");
}

CAF_TEST(every changed byte is noticed) {
  const auto sealed = before.seal("some text", "cookie");
  const size_t start = older.id.size() + 1;
  auto bytes = *rt::from_base64url(sealed.substr(start));
  for (auto& byte : bytes) {
    byte = static_cast<char>(byte ^ 1);
    CAF_CHECK_EQUAL(cause(before, older.id + "." + rt::to_base64url(bytes)), "seal_forged");
    byte = static_cast<char>(byte ^ 1);
  }
  CAF_CHECK_EQUAL(cause(before, older.id + "." + rt::to_base64url(bytes)), "none");
}

CAF_TEST(one key under the id of another is a forgery) {
  auto sealed = after.seal("x", "cookie");
  sealed.replace(0, newer.id.size(), older.id);
  CAF_CHECK_EQUAL(cause(after, sealed), "seal_forged");
}

CAF_TEST(every cut is refused) {
  const auto sealed = before.seal("some text", "cookie");
  for (size_t size = 0; size < sealed.size(); ++size)
    CAF_CHECK_NOT_EQUAL(cause(before, sealed.substr(0, size)), "none");
}

CAF_TEST(malformed texts are refused) {
  const std::string body = rt::to_base64url(std::string(28, 'x'));
  CAF_CHECK_EQUAL(cause(before, older.id + "." + body), "seal_forged");
  CAF_CHECK_EQUAL(cause(before, ""), "seal_malformed");
  CAF_CHECK_EQUAL(cause(before, "no-dot"), "seal_malformed");
  CAF_CHECK_EQUAL(cause(before, "." + body), "seal_malformed");
  CAF_CHECK_EQUAL(cause(before, "UPPER." + body), "seal_malformed");
  CAF_CHECK_EQUAL(cause(before, "0123456789abcdef0." + body), "seal_malformed");
  CAF_CHECK_EQUAL(cause(before, older.id + ".****"), "seal_malformed");
  CAF_CHECK_EQUAL(cause(before, older.id + "." + rt::to_base64url(std::string(27, 'x'))),
                  "seal_malformed");
  CAF_CHECK_EQUAL(cause(before, older.id + "." + std::string(300000, 'A')), "seal_malformed");
}

CAF_TEST(keys survive the way into the store and back in their order) {
  const auto read = rt::decode_sealing_keys(rt::encode_sealing_keys({newer, older}));
  CAF_REQUIRE(read.has_value());
  CAF_REQUIRE_EQUAL(read->size(), 2u);
  CAF_CHECK_EQUAL(read->front().id, newer.id);
  CAF_CHECK(read->front().key == newer.key);
  CAF_CHECK_EQUAL(read->back().id, older.id);
}

CAF_TEST(a stored ring without valid keys is refused) {
  CAF_CHECK(!rt::decode_sealing_keys(rt::encode_sealing_keys({})));
  CAF_CHECK(!rt::decode_sealing_keys(rt::encode_sealing_keys({older, older})));
  CAF_CHECK(!rt::decode_sealing_keys(rt::encode_sealing_keys({{"Not valid", older.key}})));
  CAF_CHECK(!rt::decode_sealing_keys("rubbish"));
}

CAF_TEST(fresh keys differ) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i)
    ids.insert(rt::make_sealing_key(random).id);
  CAF_CHECK_EQUAL(ids.size(), 100u);
  CAF_CHECK(older.key != newer.key);
}

CAF_TEST_FIXTURE_SCOPE_END()
