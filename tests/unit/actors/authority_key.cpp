#define CAF_SUITE authority_key
#include "actors/authority_key.hpp"

#include "runtime/blob.hpp"
#include "tests/unit/actors/store_fixture.hpp"

#include <openssl/err.h>

#include <set>

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::encode_blob;
using postern::runtime::error_category;
using postern::runtime::key_ring;
using postern::runtime::private_key;
using postern::runtime::sealing_key;

namespace {

const auto now = postern::runtime::from_unix_seconds(start_of_time);

struct key_fixture {
  postern::runtime::seeded_random_source random{7};
  sealing_key wrapping = postern::runtime::make_sealing_key(random);
  key_ring ring{{wrapping}, random};
  authority_key authority = authority_key::generate(now, random).value();
  std::string csr = make_certificate_request(private_key::generate(), "rack 7");

  signed_certificate sign(postern::runtime::timestamp at, std::chrono::seconds lifetime) {
    return authority.sign(csr, "c1", at, lifetime, random).value();
  }

  /// The two halves of an authority's record.
  stored_authority halves_of(const authority_key& whole) const {
    return postern::runtime::decode_blob<stored_authority>(whole.wrap(ring), 64 * 1'024).value();
  }
};

postern::runtime::certificate_info read(const std::string& pem) {
  return postern::runtime::read_certificate_pem(pem).value();
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(authority_key_tests, key_fixture)

CAF_TEST(a fresh authority lasts its lifetime and holds for slow clocks at once) {
  const auto info = read(authority.certificate_pem());
  CAF_CHECK(info.not_before == now - certificate_backdating);
  CAF_CHECK(info.not_after == now + authority_lifetime);
  CAF_CHECK_EQUAL(info.issuer, info.subject);
}

CAF_TEST(a certificate says what the authority knows and not what the request says) {
  const auto made = sign(now, 24h);
  const auto info = read(made.pem);
  CAF_CHECK_EQUAL(info.common_name, "c1");
  CAF_CHECK(info.subject.find("rack 7") == std::string::npos);
  CAF_CHECK((info.uris == std::vector<std::string>{"urn:postern:connector:c1"}));
  CAF_CHECK_EQUAL(info.serial, made.serial);
  CAF_CHECK(info.not_before == now - certificate_backdating);
  CAF_CHECK(info.not_after == now + 24h);
}

CAF_TEST(no certificate outlives its authority) {
  const auto end = now + authority_lifetime;
  CAF_CHECK(read(sign(end - 1h, 1h).pem).not_after == end);
  CAF_CHECK(read(sign(end - 1h, 24h).pem).not_after == end);
  const auto reopened = authority_key::open(authority.wrap(ring), ring).value();
  CAF_CHECK(read(reopened.sign(csr, "c1", end - 1h, 24h, random)->pem).not_after == end);
  CAF_CHECK(!authority.sign(csr, "c1", end + 1h, 24h, random));
}

CAF_TEST(what is no request is not signed) {
  CAF_CHECK_EQUAL(cause_of(authority.sign("nonsense", "c1", now, 24h, random)), "csr_malformed");
}

CAF_TEST(serial numbers are positive without leading zeros and never the same) {
  std::set<std::string> serials;
  for (int i = 0; i < 30; ++i) {
    const auto serial = sign(now, 24h).serial;
    CAF_CHECK_EQUAL(serial.size(), 32u);
    CAF_CHECK(serial.front() >= '1' && serial.front() <= '7');
    serials.insert(serial);
  }
  CAF_CHECK_EQUAL(serials.size(), 30u);
}

CAF_TEST(an authority is the same after it was stored) {
  const auto before = sign(now, 24h);
  const auto reopened = authority_key::open(authority.wrap(ring), ring).value();
  CAF_CHECK_EQUAL(reopened.certificate_pem(), authority.certificate_pem());
  CAF_CHECK(reopened.has_issued(before.pem));
  CAF_CHECK(authority.has_issued(reopened.sign(csr, "c2", now, 24h, random)->pem));
}

CAF_TEST(a record that cannot be opened makes the authority unavailable) {
  const auto good = halves_of(authority);
  const auto other = halves_of(authority_key::generate(now, random).value());
  const auto pem = ring.open(good.wrapped_key, authority_purpose).value();
  const auto sealed = [&](std::string_view plain, std::string_view purpose) {
    return encode_blob(stored_authority{ring.seal(plain, purpose), good.certificate_pem});
  };
  const std::pair<const char*, std::string> table[] = {
      {"nothing", {}},
      {"no record", "nonsense"},
      {"half a record", authority.wrap(ring).substr(0, 200)},
      {"the key of another",
       encode_blob(stored_authority{other.wrapped_key, good.certificate_pem})},
      {"no certificate", encode_blob(stored_authority{good.wrapped_key, "nonsense"})},
      {"a key sealed for something else", sealed(pem, "cookie")},
      {"no key", sealed("nonsense", authority_purpose)}};
  for (const auto& [what, value] : table) {
    CAF_MESSAGE(what);
    ERR_clear_error();
    const auto opened = authority_key::open(value, ring);
    CAF_REQUIRE(opened.has_error());
    CAF_CHECK_EQUAL(opened.error().cause, "authority_unreadable");
    CAF_CHECK(opened.error().category == error_category::unavailable);
    CAF_CHECK_EQUAL(ERR_peek_error(), 0u);
  }
  CAF_CHECK(authority_key::open(sealed(pem, authority_purpose), ring).has_value());
  const key_ring stranger{{postern::runtime::make_sealing_key(random)}, random};
  CAF_CHECK_EQUAL(cause_of(authority_key::open(authority.wrap(ring), stranger)),
                  "authority_unreadable");
}

CAF_TEST(only its own signature counts as issued) {
  const auto other = authority_key::generate(now, random).value();
  CAF_CHECK(authority.has_issued(sign(now, 24h).pem));
  for (const auto& foreign : {other.sign(csr, "c1", now, 24h, random)->pem, other.certificate_pem(),
                              std::string{"nonsense"}, std::string{}}) {
    CAF_CHECK(!authority.has_issued(foreign));
    CAF_CHECK_EQUAL(ERR_peek_error(), 0u);
  }
}

CAF_TEST(a certificate of long ago was issued all the same) {
  const auto then = now - 24h * 365 * 20;
  const auto old = authority_key::generate(then, random).value();
  CAF_CHECK(old.has_issued(old.sign(csr, "c1", then, 1h, random)->pem));
}

CAF_TEST(a record is wrapped anew once another key is the current one) {
  const sealing_key longer{.id = "ab"};
  const sealing_key shorter{.id = "a"};
  const key_ring before{{longer}, random};
  const key_ring after{{shorter, longer}, random};
  const auto value = authority.wrap(before);
  CAF_CHECK(!needs_rewrapping(value, before));
  CAF_CHECK(needs_rewrapping(value, after));
  const auto again = authority_key::open(value, after).value().wrap(after);
  CAF_CHECK(!needs_rewrapping(again, after));
  CAF_CHECK(!needs_rewrapping("nonsense", after));
}

CAF_TEST_FIXTURE_SCOPE_END()
