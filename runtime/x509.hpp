#pragma once
// Certificates and certificate requests by OpenSSL: what a small certificate authority and its
// clients need. PEM and DER travel as std::string.

#include "runtime/error.hpp"
#include "runtime/random_source.hpp"
#include "runtime/wall_clock.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::runtime {

/// A private key (EVP_PKEY); shared, immutable, safe to use from any thread.
class private_key {
 public:
  /// A fresh P-256 key.
  static private_key generate();
  /// Reads an unencrypted PKCS#8 or SEC1 PEM. Errors: `invalid_input`, cause "key_malformed".
  static result<private_key> parse_pem(std::string_view pem);
  /// PKCS#8 PEM: a secret.
  std::string pem() const;

  void* native() const noexcept { return key_.get(); }

 private:
  std::shared_ptr<void> key_;
};

/// What of a certificate the rules look at.
struct certificate_info {
  std::string serial;       ///< lower-case hexadecimal, no leading zeros
  std::string common_name;  ///< of the subject
  std::string subject;      ///< RFC 2253 text
  std::string issuer;       ///< RFC 2253 text
  std::vector<std::string> dns_names;
  std::vector<std::string> uris;
  std::string fingerprint;  ///< SHA-256, lower-case hexadecimal
  timestamp not_before;
  timestamp not_after;
};

/// What of a certificate request the rules look at.
struct request_info {
  std::string common_name;
  std::string subject;  ///< RFC 2253 text, empty if there is none
  std::vector<std::string>
      attributes;        ///< short names of the subject's attributes other than CN, e.g. "O"
  std::string key_type;  ///< "EC" or "RSA" or another name
  std::string curve;     ///< "P-256", "P-384", ... for EC
  unsigned key_bits = 0;
};

/// Reads one certificate. Errors: `invalid_input`, cause "certificate_malformed".
result<certificate_info> read_certificate_pem(std::string_view pem);
result<certificate_info> read_certificate_der(std::string_view der);

/// Reads a PKCS#10 request (RFC 2986) and checks its self-signature (proof of possession). Errors:
/// `invalid_input`, cause "csr_malformed" or "csr_signature".
result<request_info> read_certificate_request(std::string_view der);

/// Makes a PKCS#10 request in DER with the given common name.
std::string make_certificate_request(const private_key& key, const std::string& common_name);

/// What to put into a certificate.
struct certificate_profile {
  std::string serial_hex;  ///< up to 40 hexadecimal digits (RFC 5280, 4.1.2.2)
  std::string common_name;
  std::string organization;
  std::vector<std::string> dns_names;     ///< SAN
  std::vector<std::string> ip_addresses;  ///< SAN
  std::vector<std::string> uris;          ///< SAN
  timestamp not_before;
  timestamp not_after;
  enum class usage : uint8_t { authority, client, server } use = usage::client;
};

/// Signs the public key of a request. Errors: "csr_malformed", "key_malformed".
result<std::string> sign_request(std::string_view csr_der, const certificate_profile& profile,
                                 const private_key& issuer_key,
                                 std::string_view issuer_certificate_pem);  // returns PEM

/// A self-signed authority certificate (profile.use must be `authority`), PEM.
result<std::string> self_sign(const private_key& key, const certificate_profile& profile);

/// A certificate for `key` by an issuer, PEM: for server certificates made at first start.
result<std::string> sign_key(const private_key& key, const certificate_profile& profile,
                             const private_key& issuer_key,
                             std::string_view issuer_certificate_pem);

/// A certs-only PKCS#7 in DER (RFC 7030, 4.1.3) of PEM certificates, and its inverse.
result<std::string> make_pkcs7(const std::vector<std::string>& certificates_pem);
result<std::vector<std::string>> read_pkcs7(std::string_view der);

std::string pem_to_der(std::string_view pem);
std::string certificate_der_to_pem(std::string_view der);

}  // namespace postern::runtime
