#include "edge/gatekeeper.hpp"

#include "actors/timeouts.hpp"
#include "edge/cookies.hpp"
#include "edge/refusal.hpp"
#include "edge/restarts.hpp"
#include "edge/session_cookie.hpp"
#include "edge/sign_in.hpp"
#include "runtime/log.hpp"

namespace postern::edge {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::result;

namespace {

constexpr auto session_timeout = std::chrono::seconds{5};

std::string joined_cookies(const runtime::field_list& fields) {
  std::string all;
  for (const auto& f : fields)
    if (runtime::iequals(f.name, "cookie")) append_cookies(all, f.value);
  return all;
}

std::string_view session_cookie_of(const runtime::field_list& fields, std::string_view name) {
  for (const auto& f : fields)
    if (runtime::iequals(f.name, "cookie"))
      if (auto value = find_cookie(f.value, name); !value.empty()) return value;
  return {};
}

}  // namespace

awaitable<result<actors::user_session_actor>> gatekeeper::wake(actors::access_session session) {
  restart_wait next{context_};
  for (;;) {
    next.asking();
    auto actor = co_await context_.port->ask<actors::user_session_actor>(
        context_.handles->sessions, session_timeout, actors::wake_atom_v, session);
    if (actor || !next.allows(actor.error())) co_return actor;
    co_await next.pause();
  }
}

awaitable<result<void>> gatekeeper::open(std::string_view cookie,
                                         std::unique_ptr<opened_session>& cache) {
  auto session = open_session(cookie, *context_.cookie_keys);
  if (!session) co_return session.error();
  auto actor = co_await wake(*session);
  if (!actor) co_return actor.error();
  cache = std::make_unique<opened_session>(
      opened_session{std::string{cookie}, std::move(*session), std::move(*actor)});
  co_return result<void>{};
}

awaitable<result<actors::access_decision>> gatekeeper::decide(actors::application_ptr application,
                                                              opened_session& session) {
  // Named, not a temporary: GCC 12 destroys aggregates twice that are made inside a co_await
  // expression.
  const actors::access_request question{std::move(application)};
  restart_wait next{context_};
  for (bool woken = false;; woken = true) {
    next.asking();
    auto decision = co_await context_.port->ask<actors::access_decision>(
        session.actor, session_timeout, actors::authorize_atom_v, question);
    if (decision || decision.error().cause != "actor_down") co_return decision;
    if (woken && !next.allows(decision.error())) co_return decision;
    // The actor has ended, for want of work or with its registry: its cookie wakes it again.
    auto actor = co_await wake(session.session);
    if (!actor) co_return actor.error();
    session.actor = std::move(*actor);
  }
}

awaitable<admission> gatekeeper::admit(const published_application& to,
                                       const checked_request& request,
                                       const runtime::field_list& fields,
                                       std::unique_ptr<opened_session>& cache,
                                       std::string_view client_address,
                                       std::string_view request_id) {
  const auto form = choose_form(runtime::field_value(fields, "sec-fetch-mode"),
                                runtime::field_value(fields, "sec-fetch-dest"),
                                runtime::field_value(fields, "x-requested-with"),
                                runtime::field_value(fields, "accept"));
  result<actors::access_decision> decided =
      error{error_category::unauthenticated, "not_signed_in", "session", {}};
  if (const auto cookie = session_cookie_of(fields, to.cookie_name); !cookie.empty()) {
    result<void> opened;
    if (!cache || cache->cookie != cookie) opened = co_await open(cookie, cache);
    if (opened)
      decided = co_await decide(to.application, *cache);
    else
      decided = opened.error();
  }
  // Nobody is sent to sign in for a failure of ours: it would go round in circles.
  if (!decided && decided.error().category != error_category::unauthenticated)
    co_return admission{false, make_refusal(decided.error(), request_id, form)};
  switch (decided ? decided->verdict : actors::access_verdict::sign_in) {
    case actors::access_verdict::allow:
      co_return admission{true, {}};
    case actors::access_verdict::deny:
      runtime::log_event(spdlog::level::info, "denied",
                         {{"request_id", request_id},
                          {"user", cache->session.user.name},
                          {"application", to.application->name},
                          {"cause", decided->reason}});
      co_return admission{
          false, make_refusal({error_category::forbidden, decided->reason, "assignment", {}},
                              request_id, form)};
    case actors::access_verdict::maintenance:
      co_return admission{
          false, make_refusal({error_category::unavailable, "maintenance", "application", {}},
                              request_id, form)};
    case actors::access_verdict::sign_in:
      break;
  }
  cache.reset();
  if (form != refusal_form::page || (request.method != "GET" && request.method != "HEAD")) {
    const error why{error_category::unauthenticated,
                    decided ? decided->reason : decided.error().cause,
                    "session",
                    {}};
    co_return admission{false, sign_in_needed(*to.application, why, request_id, form)};
  }
  const sign_in_request from{joined_cookies(fields), std::string{client_address},
                             std::string{request_id}};
  const std::string target{request.target};
  admission redirected;
  redirected.response = co_await sign_in_.start(to.application, target, from);
  co_return redirected;
}

awaitable<runtime::http_response> gatekeeper::serve_reserved(const published_application& to,
                                                             service_request whole) {
  co_return co_await sign_in_.serve(to.application, std::move(whole));
}

}  // namespace postern::edge
