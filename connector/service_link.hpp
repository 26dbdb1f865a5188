#pragma once
// How a connector reaches its service: the URL, whom it trusts there, and as whom it comes.
// Requests by it are those beside the tunnels: discovery, EST, configuration pulls.

#include "config/connector.hpp"
#include "connector/identity_files.hpp"
#include "runtime/http_proxy.hpp"
#include "runtime/https_client.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::connector {

/// Immutable; any shard may use it. A renewed identity makes a new one.
class service_link {
 public:
  /// `service`: "https://HOST[:PORT]/". `authorities_pem` are trusted besides the system's. Without
  /// `who`, no client certificate is sent. `proxies` null: everything is reached directly. Errors:
  /// `invalid_input`, "url_malformed" or "tls_identity".
  static runtime::result<std::shared_ptr<const service_link>> make(
      const std::string& service, const std::string& authorities_pem,
      const std::optional<identity>& who,
      std::shared_ptr<const runtime::proxy_settings> proxies = nullptr);

  /// The URL of a path of the service, which begins with "/".
  std::string url(std::string_view path) const { return base_ + std::string{path}; }

  /// Sends a request to a URL (the service's or that of its issuer) and returns the answer whatever
  /// its status. Errors: those of runtime::fetch().
  runtime::awaitable<runtime::result<runtime::http_response>> fetch(
      runtime::shard& home, std::string url, runtime::http_request request,
      std::chrono::milliseconds timeout) const;

  /// Opens the connection of a tunnel: to the service, or (`node`, "IP:port") to one particular
  /// node of it. That has to prove the service's name all the same. Errors: those of
  /// runtime::dial(), `invalid_input` "node_address", and `bad_gateway` "tunnel_protocol" if what
  /// answers there speaks no tunnels.
  runtime::awaitable<runtime::result<runtime::transport>> dial_tunnel(runtime::shard& home,
                                                                      std::string node) const;

 private:
  std::string base_;
  runtime::url_parts address_;
  std::shared_ptr<const runtime::proxy_settings> proxies_;
  std::shared_ptr<const runtime::tls_client_context> request_tls_;
  std::shared_ptr<const runtime::tls_client_context> tunnel_tls_;
};

/// The proxies that connector.toml and the environment speak of; null: none. Errors: those of
/// runtime::parse_proxy(), and of reading the file of credentials.
runtime::result<std::shared_ptr<const runtime::proxy_settings>> make_proxies(
    const config::connector& own);

/// The error that an answer with another status than 200 stands for: cause and source of its
/// problem+json (RFC 9457) where it has one; the detail also says status and request id.
runtime::error refusal_of(const runtime::http_response& answer);

}  // namespace postern::connector
