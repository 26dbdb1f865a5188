#pragma once
// Signing users in at an issuer and out again: the service as an OpenID Connect relying party
// (Core 1.0, code flow with PKCE). One per shard; the gatekeeper sends navigations without a
// session here, and everything below ".postern/" of an application.

#include "edge/edge_context.hpp"
#include "edge/oidc_client.hpp"
#include "edge/refusal.hpp"
#include "edge/service_request.hpp"
#include "edge/sign_in_attempt.hpp"

#include <string>
#include <string_view>

namespace postern::edge {

/// The parts of a request that start() needs.
struct sign_in_request {
  /// No aggregate: GCC 12 destroys those twice that are made within the operand of co_await.
  sign_in_request(std::string all_cookies, std::string address, std::string id)
      : cookies(std::move(all_cookies)),
        client_address(std::move(address)),
        request_id(std::move(id)) {}

  std::string cookies;  ///< all Cookie fields, joined by "; "
  std::string client_address;
  std::string request_id;
};

/// Keeps nothing between the two halves of a sign-in: the browser carries it, sealed
/// (edge/sign_in_attempt.hpp). Every outcome of a second half goes to the audit log.
class sign_in {
 public:
  /// `context` must outlive the object, and the object the shard's event loop.
  explicit sign_in(edge_context& context);

  /// First half: 302 to the issuer of an application with preauthentication. `target` is the path
  /// and query asked for. For GET and HEAD of navigations only: whatever else a request carries
  /// would be lost on the way.
  runtime::awaitable<runtime::http_response> start(actors::application_ptr application,
                                                   std::string target, sign_in_request from);

  /// Answers below "<external_url>.postern/": the callback, which is the second half (sets the
  /// session's cookie and sends the browser to where it wanted to go), and the logout (revokes the
  /// session, clears the cookies, signs out at the issuer).
  runtime::awaitable<runtime::http_response> serve(actors::application_ptr application,
                                                   service_request request);

 private:
  struct callback_answer;

  runtime::awaitable<runtime::http_response> finish(actors::application_ptr application,
                                                    service_request request);
  runtime::awaitable<runtime::http_response> logout(actors::application_ptr application,
                                                    service_request request);
  runtime::awaitable<runtime::result<void>> redeem(const config::application& application,
                                                   const sign_in_attempt& attempt,
                                                   const callback_answer& answer,
                                                   actors::access_session& session);
  runtime::awaitable<runtime::result<std::string>> read_secret(
      const config::application& application);
  actors::access_session make_session(const config::application& application,
                                      actors::verified_token token);
  runtime::http_response admit(const config::application& application,
                               const sign_in_attempt& attempt, actors::access_session session);
  void record(const config::application& application, const service_request& request,
              const std::string& user, const runtime::error& why);
  int64_t now() const { return runtime::to_unix_seconds(context_.clock.now()); }

  edge_context& context_;
  oidc_client issuers_;
};

/// What a request without a session gets that cannot be sent to the issuer: 401 with a challenge,
/// for scripts as a problem, for a form that was sent as a page with the way back. `why` says what
/// is wrong with the session ("session_expired", ...).
runtime::http_response sign_in_needed(const config::application& application,
                                      const runtime::error& why, std::string_view request_id,
                                      refusal_form form);

}  // namespace postern::edge
