#pragma once
// The key and certificate of the connectors' authority, and what it signs. Who uses it:
// certificate_authority. Nothing else ever sees the key, and the store only its wrapped form.

#include "actors/messages.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/random_source.hpp"
#include "runtime/x509.hpp"

#include <string>
#include <string_view>

namespace postern::actors {

/// Kind and key of the one record, and the purpose that the key is wrapped for.
inline constexpr const char* authority_kind = "authority";
inline constexpr const char* authority_record_key = "connectors";
inline constexpr const char* authority_purpose = "authority";
/// Ten years: connectors trust it from enrolment on, and there is no way yet to roll it over.
inline constexpr std::chrono::hours authority_lifetime{24 * 365 * 10};
/// A connector whose clock is slow must not find its new certificate in the future.
inline constexpr std::chrono::minutes certificate_backdating{5};

/// The value of the record.
struct stored_authority {
  std::string wrapped_key;  ///< private key PEM, sealed by the wrapping ring
  std::string certificate_pem;

  template <class Archive>
  void serialize(Archive& ar) {
    ar(wrapped_key, certificate_pem);
  }
};

/// A certificate as signed, and what the registry records of it.
struct signed_certificate {
  std::string pem;
  std::string serial;
};

/// An authority ready to sign. Copies share the key.
class authority_key {
 public:
  /// A fresh P-256 key and its certificate, valid from `now`.
  static runtime::result<authority_key> generate(timestamp now, runtime::random_source& random);

  /// Reads a record's value. Errors: `unavailable` with the cause "authority_unreadable" if no key
  /// of the ring opens it or the two halves are damaged: it must never be replaced silently,
  /// because no connector would trust the new one.
  static runtime::result<authority_key> open(std::string_view value, const runtime::key_ring& ring);

  /// The record's value.
  std::string wrap(const runtime::key_ring& ring) const;

  const std::string& certificate_pem() const noexcept { return certificate_pem_; }

  /// Signs a request for a connector: subject O=Postern connector, CN=id; SAN
  /// urn:postern:connector:ID; valid for `lifetime`, but not beyond the authority itself.
  runtime::result<signed_certificate> sign(std::string_view csr_der, const std::string& connector,
                                           timestamp now, std::chrono::seconds lifetime,
                                           runtime::random_source& random) const;

  /// Whether this authority's key signed the certificate. Says nothing about its validity period.
  bool has_issued(std::string_view certificate_pem) const;

 private:
  authority_key(runtime::private_key key, std::string certificate_pem, timestamp not_after)
      : key_(std::move(key)), certificate_pem_(std::move(certificate_pem)), not_after_(not_after) {}

  runtime::private_key key_;
  std::string certificate_pem_;
  timestamp not_after_;
};

/// Whether a stored value was wrapped by another key than the ring's current one.
bool needs_rewrapping(std::string_view value, const runtime::key_ring& ring);

}  // namespace postern::actors
