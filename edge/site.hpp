#pragma once
// The service's own hosts: admin API, connectors' name, built-in STS. One per shard; connections
// hand over whole requests to any of these names.

#include "edge/admin_api.hpp"
#include "edge/connector_api.hpp"
#include "edge/edge_context.hpp"
#include "edge/service_request.hpp"

#include <string_view>

namespace postern::edge {

class site {
 public:
  /// `context` must outlive the object, and the object the shard's event loop.
  explicit site(edge_context& context);

  /// Whether a host name (without port, in any case) is one of the service's own.
  bool is_service_host(std::string_view host) const noexcept;

  /// Answers a request to one of them. The response is complete: version, length, X-Request-Id. To
  /// HEAD it is the one that GET would get: the connection leaves the content out and keeps the
  /// length (RFC 9110, 9.3.2). Never throws.
  runtime::awaitable<runtime::http_response> handle(service_request request);

 private:
  runtime::awaitable<runtime::http_response> dispatch(service_request& request);
  runtime::awaitable<runtime::http_response> ask_sts(service_request& request);

  edge_context& context_;
  admin_api admin_;
  connector_api connectors_;
};

}  // namespace postern::edge
