#include "actors/authority_key.hpp"

#include "runtime/blob.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace postern::actors {

namespace {

using runtime::error;
using runtime::error_category;
using runtime::result;

constexpr size_t largest_record = 64 * 1'024;
constexpr size_t serial_bytes = 16;
constexpr const char* organization = "Postern connector";

error unreadable(std::string detail) {
  return {error_category::unavailable, "authority_unreadable", "service", std::move(detail)};
}

/// 127 random bits (RFC 5280, section 4.1.2.2: positive, at most 20 octets), written as
/// certificates are read: without leading zeros.
std::string make_serial(runtime::random_source& random) {
  auto serial = random.hex(serial_bytes);
  serial.front() = static_cast<char>('1' + random.below(7));
  return serial;
}

using x509_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

x509_ptr parse(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio{
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

}  // namespace

result<authority_key> authority_key::generate(timestamp now, runtime::random_source& random) {
  auto key = runtime::private_key::generate();
  const runtime::certificate_profile profile{.serial_hex = make_serial(random),
                                             .common_name = "Postern connector authority",
                                             .not_before = now - certificate_backdating,
                                             .not_after = now + authority_lifetime,
                                             .use = runtime::certificate_profile::usage::authority};
  auto pem = runtime::self_sign(key, profile);
  if (!pem) return pem.error();
  return authority_key{std::move(key), std::move(*pem), profile.not_after};
}

result<authority_key> authority_key::open(std::string_view value, const runtime::key_ring& ring) {
  auto stored = runtime::decode_blob<stored_authority>(value, largest_record);
  if (!stored) return unreadable(runtime::to_string(stored.error()));
  const auto pem = ring.open(stored->wrapped_key, authority_purpose);
  if (!pem) return unreadable(runtime::to_string(pem.error()));
  auto key = runtime::private_key::parse_pem(*pem);
  if (!key) return unreadable(runtime::to_string(key.error()));
  const auto info = runtime::read_certificate_pem(stored->certificate_pem);
  if (!info) return unreadable(runtime::to_string(info.error()));
  const auto certificate = parse(stored->certificate_pem);
  const bool fits =
      X509_check_private_key(certificate.get(), static_cast<EVP_PKEY*>(key->native())) == 1;
  ERR_clear_error();
  if (!fits) return unreadable("the key is not that of the certificate");
  return authority_key{std::move(*key), std::move(stored->certificate_pem), info->not_after};
}

std::string authority_key::wrap(const runtime::key_ring& ring) const {
  return runtime::encode_blob(
      stored_authority{ring.seal(key_.pem(), authority_purpose), certificate_pem_});
}

result<signed_certificate> authority_key::sign(std::string_view csr_der,
                                               const std::string& connector, timestamp now,
                                               std::chrono::seconds lifetime,
                                               runtime::random_source& random) const {
  signed_certificate out{.serial = make_serial(random)};
  const runtime::certificate_profile profile{
      .serial_hex = out.serial,
      .common_name = connector,
      .organization = organization,
      .uris = {"urn:postern:connector:" + connector},
      .not_before = now - certificate_backdating,
      .not_after = std::min<timestamp>(now + lifetime, not_after_),
      .use = runtime::certificate_profile::usage::client};
  auto pem = runtime::sign_request(csr_der, profile, key_, certificate_pem_);
  if (!pem) return pem.error();
  out.pem = std::move(*pem);
  return out;
}

bool authority_key::has_issued(std::string_view certificate_pem) const {
  const auto certificate = parse(certificate_pem);
  const bool issued =
      certificate && X509_verify(certificate.get(), static_cast<EVP_PKEY*>(key_.native())) == 1;
  ERR_clear_error();  // else a TLS read on this thread would find what is left of a failure
  return issued;
}

bool needs_rewrapping(std::string_view value, const runtime::key_ring& ring) {
  const auto stored = runtime::decode_blob<stored_authority>(value, largest_record);
  return stored && !stored->wrapped_key.starts_with(ring.current_id() + '.');
}

}  // namespace postern::actors
