#pragma once
// The admin HTTP API (JSON under /api/v1 on the admin's name), the only way to change what is
// published; posternctl uses it. Who may: members of the administrators' group, proven by an access
// token for this API. Rules are the actors'; here is HTTP.

#include "edge/edge_context.hpp"
#include "edge/service_request.hpp"

namespace postern::edge {

/// One per shard. Every call but GET /.well-known/postern needs "Authorization: Bearer" (401, 403).
/// A failure is problem+json; no browser of another origin gets to read anything (no CORS).
class admin_api {
 public:
  /// `context` must outlive the object.
  explicit admin_api(edge_context& context) : context_(context) {}

  /// Answers a request to the admin's name.
  runtime::awaitable<runtime::http_response> handle(service_request& request);

 private:
  edge_context& context_;
};

}  // namespace postern::edge
