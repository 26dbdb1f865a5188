#pragma once
// posternctl's way to the network: HTTP/1.1 over TLS by Boost.Beast, one connection per request,
// one deadline for all of it. Only https: what it carries is worth stealing.

#include "control/exchange.hpp"
#include "runtime/tls_context.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace postern::control {

struct https_options {
  std::string ca_file;  ///< PEM, trusted in addition to the system's authorities; empty: none
  std::chrono::milliseconds timeout{
      30'000};  ///< from the look-up of the name to the end of the response
};

/// Blocks its caller during a request; one thread only.
class https_client {
 public:
  /// Refuses a file that is missing or holds no certificate.
  static outcome<https_client> make(const https_options& options);

  /// Sends one request. The server's certificate must be for the host of the URL. Names under
  /// "localhost" are this machine without asking DNS (RFC 6761, section 6.3). Fits `exchange`.
  outcome<runtime::http_response> send(const config::web_url& where,
                                       runtime::http_request request) const;

 private:
  https_client(std::shared_ptr<runtime::tls_client_context> tls, std::chrono::milliseconds timeout)
      : tls_(std::move(tls)), timeout_(timeout) {}

  std::shared_ptr<runtime::tls_client_context> tls_;
  std::chrono::milliseconds timeout_;
};

}  // namespace postern::control
