#pragma once
// Who may: from a request's cookie to a decision of its user_session, or to what to answer instead.

#include "edge/edge_context.hpp"
#include "edge/published_routes.hpp"
#include "edge/request_rules.hpp"
#include "edge/service_request.hpp"

#include <memory>
#include <optional>
#include <string>

namespace postern::edge {

class sign_in;

/// A session that a connection has opened: its cookie is not opened again while it stays the same.
struct opened_session {
  std::string cookie;
  actors::access_session session;
  actors::user_session_actor actor;
};

/// What a request gets: it may go on, or a whole response.
struct admission {
  bool allowed = false;
  runtime::http_response response;  ///< if not allowed
};

/// One per shard.
class gatekeeper {
 public:
  gatekeeper(edge_context& context, sign_in& signing_in)
      : context_(context), sign_in_(signing_in) {}

  /// Asks for one request of an `oidc` application. `cache` is the connection's; it holds the
  /// session if allowed.
  runtime::awaitable<admission> admit(const published_application& to,
                                      const checked_request& request,
                                      const runtime::field_list& fields,
                                      std::unique_ptr<opened_session>& cache,
                                      std::string_view client_address, std::string_view request_id);

  /// Requests below ".postern/" of an application: callback and logout.
  runtime::awaitable<runtime::http_response> serve_reserved(const published_application& to,
                                                            service_request whole);

  /// What the session says of one more request, or of a stream that goes on. Wakes the session if
  /// it sleeps.
  runtime::awaitable<runtime::result<actors::access_decision>> decide(
      actors::application_ptr application, opened_session& session);

 private:
  /// Errors: unauthenticated, for want of a session that holds; others are failures of ours.
  runtime::awaitable<runtime::result<void>> open(std::string_view cookie,
                                                 std::unique_ptr<opened_session>& cache);
  runtime::awaitable<runtime::result<actors::user_session_actor>> wake(
      actors::access_session session);

  edge_context& context_;
  sign_in& sign_in_;
};

}  // namespace postern::edge
