#pragma once
// Outgoing connections through an HTTP proxy (CONNECT, RFC 9110, section 9.3.6): which proxy for
// which host, and the words to it. Who uses it: dial(), and connectors for the way to the service.

#include "runtime/transport.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::runtime {

/// One proxy. The credentials are a secret: they stand in no log and no error.
struct http_proxy {
  std::string host;  ///< name or address, without brackets
  uint16_t port = 0;
  std::string credentials;  ///< "user:password" for Basic (RFC 7617); empty: none

  /// "host:port", for logs.
  std::string shown() const;
};

/// Reads "http://[user:password@]host[:port]", the port by default 80; a text without "http://" is
/// taken as host and port. User and password are percent-decoded. Errors: `invalid_input`
/// "proxy_malformed"; the detail never shows credentials.
result<http_proxy> parse_proxy(std::string_view url);

/// A proxy, and the hosts that are reached without it. Immutable; any thread.
class proxy_settings {
 public:
  /// `exceptions`: names, which stand for themselves and all names below them (a dot in front
  /// changes nothing), addresses, networks such as 10.0.0.0/8, any of them with ":port", or "*".
  proxy_settings(http_proxy proxy, std::vector<std::string> exceptions);

  /// What programs expect of the environment: https_proxy or HTTPS_PROXY, else all_proxy or
  /// ALL_PROXY, and no_proxy or NO_PROXY (separated by commas). Null: no proxy. Errors as of
  /// parse_proxy(). `get` is std::getenv, or a test's; `more` exceptions are added.
  static result<std::shared_ptr<const proxy_settings>> from_environment(
      const std::function<const char*(const char*)>& get, const std::vector<std::string>& more);

  /// The proxy for a host (name or address without brackets), or null: go directly.
  std::shared_ptr<const http_proxy> proxy_for(std::string_view host, uint16_t port) const;

  const http_proxy& proxy() const noexcept { return *proxy_; }

 private:
  std::shared_ptr<const http_proxy> proxy_;
  std::vector<std::string> exceptions_;
};

/// Asks a proxy at the other end of `connection` for a way to `host`:`port`; afterwards the
/// connection leads there. The caller closes it when time is up. Errors, all with source "proxy"
/// and a detail that names the proxy: `bad_gateway` "proxy_authentication" (407), "proxy_refused"
/// (any other refusal), "proxy_closed", "proxy_malformed".
awaitable<result<void>> ask_proxy(transport& connection, const http_proxy& proxy, std::string host,
                                  uint16_t port);

}  // namespace postern::runtime
