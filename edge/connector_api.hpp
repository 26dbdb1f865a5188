#pragma once
// What the service's name answers to connectors: discovery, EST (RFC 7030), and the configuration
// they pull. Tunnels arrive at the same name but never come here (docs/tunnel-protocol.md).

#include "edge/edge_context.hpp"
#include "edge/service_request.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::edge {

struct est_path;

/// The longest that a pull may ask to wait; proxies on the way give up after a minute.
inline constexpr std::chrono::seconds longest_wait{60};

/// The seconds of "Prefer: wait=N" (RFC 7240, section 4.3), at most longest_wait; 0 without one.
std::chrono::seconds read_wait(std::string_view prefer) noexcept;

/// The configuration's version in an If-None-Match field (RFC 9110, section 13.1.2), the first that
/// could be ours; 0: none.
uint64_t read_known_version(std::string_view if_none_match) noexcept;

/// GET /.well-known/postern on the service's and the admin's name: where everything is, for tools
/// that know one address only.
runtime::http_response describe_service(const service_urls& urls);

/// One per shard. All answers to programs: problems rather than pages.
class connector_api {
 public:
  /// `context` must outlive the object.
  explicit connector_api(edge_context& context) : context_(context) {}

  /// Answers a request to the service's name. May take longest_wait and a little.
  runtime::awaitable<runtime::http_response> handle(service_request& request);

 private:
  using answer = runtime::awaitable<runtime::result<runtime::http_response>>;

  runtime::awaitable<runtime::http_response> serve_est(service_request& request,
                                                       const est_path& asked);
  answer send_authority();
  answer enroll(service_request& request, const est_path& asked);
  answer renew(service_request& request);
  answer send_configuration(service_request& request);

  edge_context& context_;
};

}  // namespace postern::edge
