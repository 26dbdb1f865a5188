#pragma once
// Who a connector is: its private key and certificate, and where they are kept. Who uses it:
// enrolment and renewal, which write, and `run`, which reads.

#include "runtime/error.hpp"

#include <string>
#include <string_view>

namespace postern::connector {

/// A key and the certificate for it. Both PEM; the key is a secret.
struct identity {
  std::string key_pem;
  std::string certificate_pem;  ///< the connector's first, then those above it

  bool operator==(const identity&) const = default;
};

/// The text of identity.pem, and its inverse. Refuses a text without exactly one private key and at
/// least one certificate, and a key that is not the certificate's. Error: `invalid_input`,
/// "identity_malformed".
std::string to_pem(const identity& who);
runtime::result<identity> parse_identity(std::string_view pem);

/// How connector.toml calls the copy of the service's authorities beside it.
inline constexpr const char* service_authority_name = "service-ca.pem";

/// The names of all files of a state directory.
class state_directory {
 public:
  explicit state_directory(std::string path) : path_(std::move(path)) {}

  const std::string& path() const noexcept { return path_; }
  /// Key and certificate in one file, mode 0600: renewal replaces both by one rename, so that a
  /// crash at any moment leaves a pair that fits. Its existence means "enrolled".
  std::string identity_file() const { return path_ + "/identity.pem"; }
  /// The authority that issued the certificate (RFC 7030, section 4.1).
  std::string authority_file() const { return path_ + "/authority.pem"; }
  /// A copy of what `enroll --ca` named: whom to trust for the service's own certificate.
  std::string service_authority_file() const { return path_ + "/" + service_authority_name; }
  std::string configuration_file() const { return path_ + "/connector.toml"; }
  /// Client certificates for origins, by the names that applications give
  /// (`backend_client_certificate`): put there by people, never written here.
  std::string client_certificates_folder() const { return path_ + "/client-certificates"; }
  /// What a running process says of itself once it serves.
  std::string ready_file() const { return path_ + "/ready.json"; }

  /// Makes the directory, or closes an existing one to everybody else (mode 0700).
  /// Errors: `unavailable`, "file_unwritable".
  runtime::result<void> make() const;

  /// Tries whether files can be written there, and leaves nothing behind but what make() does to a
  /// directory that exists. Errors: `unavailable`, "file_unwritable".
  runtime::result<void> probe() const;

  /// Errors: `not_found` "not_enrolled"; those of parse_identity and of reading the file.
  runtime::result<identity> load_identity() const;
  /// Replaces the identity; durable when it returns. Errors: `unavailable`, "file_unwritable".
  runtime::result<void> store_identity(const identity& who) const;

 private:
  std::string path_;
};

}  // namespace postern::connector
