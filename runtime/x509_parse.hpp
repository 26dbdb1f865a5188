#pragma once
// Reading PEM and DER into OpenSSL's objects, for the files that implement x509.hpp. Internal to
// runtime/.

#include "runtime/error.hpp"
#include "runtime/openssl_ptr.hpp"

#include <string>
#include <string_view>

namespace postern::runtime {

/// Nothing that is read here is honestly larger; OpenSSL's lengths are ints.
inline constexpr size_t max_x509_bytes = size_t{1024} * 1024;

/// An `invalid_input` error with the reason from OpenSSL's queue, which is emptied.
error x509_error(const char* cause);

/// The first certificate of a PEM text. Errors: "certificate_malformed".
result<x509_ptr> parse_certificate_pem(std::string_view pem);

/// Exactly one certificate. Errors: "certificate_malformed".
result<x509_ptr> parse_certificate_der(std::string_view der);

/// Exactly one request, its self-signature checked. Errors: "csr_malformed" or "csr_signature".
result<x509_req_ptr> parse_certificate_request(std::string_view der);

/// PEM of a certificate.
std::string certificate_pem(X509* certificate);

/// What an i2d function writes; empty if it fails.
template <class T, class Encode>
std::string to_der(T* object, Encode encode) {
  unsigned char* bytes = nullptr;
  const int size = encode(object, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

}  // namespace postern::runtime
