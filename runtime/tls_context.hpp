#pragma once
// TLS settings shared by many connections: who we are, whom we trust, what we speak. TLS 1.2 with
// AEAD at least.

#include "runtime/error.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::runtime {

struct ssl_deleter {
  void operator()(SSL* s) const noexcept { SSL_free(s); }
  void operator()(SSL_CTX* c) const noexcept { SSL_CTX_free(c); }
};
using ssl_ptr = std::unique_ptr<SSL, ssl_deleter>;
using ssl_context_ptr = std::unique_ptr<SSL_CTX, ssl_deleter>;

/// A certificate chain and its key, both PEM text.
struct tls_identity {
  std::string certificate_pem;
  std::string key_pem;

  bool operator==(const tls_identity&) const = default;
};

/// How a server treats one server name; names without a rule speak "http/1.1" and ask for nothing.
struct tls_name_rule {
  std::string name;
  /// PEM of the only authority whose client certificates are accepted; empty: do not ask. A client
  /// may come without one.
  std::string client_authority_pem;
  /// Application protocols in order of preference (RFC 7301).
  std::vector<std::string> protocols;
};

/// A server's side. Immutable, any thread may make connections from it.
class tls_server_context {
 public:
  /// The first identity serves names that no certificate fits. Errors: `invalid_input`, cause
  /// "tls_identity".
  static result<std::shared_ptr<tls_server_context>> make(
      const std::vector<tls_identity>& identities, const std::vector<tls_name_rule>& rules,
      const std::vector<std::string>& default_protocols);
  ~tls_server_context();

  ssl_ptr make_connection() const;

 private:
  tls_server_context();
  struct impl;
  std::unique_ptr<impl> impl_;
};

struct tls_client_options {
  bool verify = true;  ///< the chain and the host name
  bool system_authorities = true;
  std::string authorities_pem;  ///< trusted in addition
  std::string certificate_pem;  ///< client certificate, empty: none
  std::string key_pem;
  std::vector<std::string> protocols;
};

/// A client's side. Immutable, any thread may make connections from it. A peer that ends without
/// close_notify has failed, not ended: what came may have been cut short (RFC 9112, section 9.8).
class tls_client_context {
 public:
  /// Errors: `invalid_input`, "tls_identity" or "tls_authorities" (a text without certificates).
  static result<std::shared_ptr<tls_client_context>> make(const tls_client_options& options);

  /// A connection that will accept only a certificate for `host` and sends it as server name
  /// (unless it is an address).
  ssl_ptr make_connection(const std::string& host) const;

 private:
  ssl_context_ptr context_;
  bool verify_ = true;
};

/// What the TLS library has to say about its last failure on this thread; clears it.
std::string tls_failure_text();

/// The peer's certificate as PEM, empty if it sent none.
std::string peer_certificate_pem(SSL* connection);

/// The protocol chosen by ALPN, empty if none.
std::string_view selected_protocol(SSL* connection);

/// Whether the certificate that we show on this connection is good for a host name (RFC 9525).
bool certificate_covers(SSL* connection, std::string_view host);

/// The server name that the client asked for, lower-cased, empty if none.
std::string server_name(SSL* connection);

}  // namespace postern::runtime
