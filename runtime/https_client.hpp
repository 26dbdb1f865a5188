#pragma once
// Small HTTP/1.1 exchanges as a client: discovery, keys, tokens, EST, configuration pulls. One
// connection per call.

#include "runtime/dial.hpp"
#include "runtime/http_message.hpp"

#include <boost/url/url_view.hpp>

namespace postern::runtime {

struct fetch_options {
  std::shared_ptr<const tls_client_context> tls;  ///< for https URLs
  std::chrono::milliseconds timeout{20'000};      ///< for all of it
  size_t content_limit = 4 * 1024 * 1024;
  std::shared_ptr<const http_proxy> proxy{};  ///< null: directly
};

/// Sends `request` to an http or https URL (its target and Host are set from the URL) and returns
/// the whole response, whatever its status. Errors as of dial(), and `timeout` "fetch_timeout",
/// `bad_gateway` "fetch_failed".
awaitable<result<http_response>> fetch(shard& home, std::string url, http_request request,
                                       fetch_options options);

/// scheme, host, port and target of a URL.
struct url_parts {
  bool tls = true;
  std::string host;
  uint16_t port = 443;
  std::string target;     ///< path and query, at least "/"
  std::string authority;  ///< host, and port unless it is the scheme's default
};

/// Errors: `invalid_input` "url_malformed".
result<url_parts> split_url(std::string_view url);

}  // namespace postern::runtime
