#include "edge/sign_in.hpp"

#include "actors/access_rules.hpp"
#include "actors/timeouts.hpp"
#include "edge/administrator.hpp"
#include "edge/answers.hpp"
#include "edge/problem.hpp"
#include "edge/refusal.hpp"
#include "edge/refusal_text.hpp"
#include "edge/relying_party.hpp"
#include "edge/session_cookie.hpp"
#include "runtime/files.hpp"
#include "runtime/html_page.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <array>

namespace postern::edge {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::http_field;
using runtime::http_response;
using runtime::http_status;
using runtime::http_verb;
using runtime::result;

/// What came back from the issuer (RFC 6749, 4.1.2; RFC 9207). Absent and empty mean the same.
struct sign_in::callback_answer {
  std::string code;
  std::string issuer;
  std::string error;
  std::string description;
};

namespace {

constexpr size_t secret_limit = 4'096;

/// A file that holds anything else may be a key or a database: whoever publishes names the file and
/// the issuer that it is sent to, and must not get at those.
bool is_secret(std::string_view text) {
  return !text.empty() && text.size() <= secret_limit &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

error sign_in_error(error_category category, const char* cause, std::string detail = {}) {
  return {category, cause, "sign_in", std::move(detail)};
}

void add_cookie(http_response& response, const std::string& text) {
  response.insert(http_field::set_cookie, text);
}

refusal_form form_for(const service_request& request) {
  const auto& m = request.message;
  return choose_form(m["Sec-Fetch-Mode"], m["Sec-Fetch-Dest"], m["X-Requested-With"],
                     m[http_field::accept]);
}

/// A refusal with the way on that fits it.
http_response refuse(const error& why, const config::application& a, std::string_view request_id,
                     refusal_form form) {
  refusal_link link{"Open the application again", a.external_url};
  if (why.cause == "not_assigned")
    link = {"Sign in as somebody else", a.external_url + ".postern/logout"};
  return make_refusal(why, request_id, form, std::array{std::move(link)});
}

http_response refuse_method(const service_request& request, const char* allowed) {
  auto response = make_problem(sign_in_error(error_category::invalid_input, "method_not_allowed"),
                               request.request_id, {});
  response.set(http_field::allow, allowed);
  return response;
}

http_response signed_out_page() {
  http_response response{http_status::ok, 11};
  response.set(http_field::content_type, "text/html; charset=utf-8");
  response.set(http_field::cache_control, "no-store");
  response.set("Content-Security-Policy", runtime::html_page_policy());
  response.set("X-Content-Type-Options", "nosniff");
  response.set("X-Frame-Options", "DENY");
  response.body() =
      runtime::html_page("Signed out",
                         "<h1>Signed out</h1>\n<p class=\"notice good\">Your session with this "
                         "application has ended. You may close this page.</p>");
  return response;
}

}  // namespace

sign_in::sign_in(edge_context& context)
    : context_(context),
      issuers_(context.home,
               make_issuer_fetch(context.home, [&context] { return context.issuer_tls; })) {}

// -- first half -----------------------------------------------------------------------------------

awaitable<http_response> sign_in::start(actors::application_ptr application, std::string target,
                                        sign_in_request from) {
  const auto& a = *application;
  const auto metadata = co_await issuers_.discover(issuer_of(a, context_.urls));
  if (!metadata) {
    runtime::log_event(spdlog::level::warn, "sign_in_not_started",
                       {{"application", a.name},
                        {"cause", metadata.error().cause},
                        {"detail", metadata.error().detail},
                        {"request_id", from.request_id}});
    co_return refuse(metadata.error(), a, from.request_id, refusal_form::page);
  }
  const auto attempt = make_attempt(a, target, context_.random, now());
  auto response = redirect_answer(
      http_status::found,
      authorization_url(**metadata, {client_id_of(a), callback_url(a), attempt.state, attempt.nonce,
                                     attempt.code_verifier}));
  for (const auto& old : drop_old_attempts(a, from.cookies, *context_.cookie_keys, now()))
    add_cookie(response, old);
  add_cookie(response, make_attempt_cookie(attempt, a, *context_.cookie_keys));
  co_return response;
}

awaitable<http_response> sign_in::serve(actors::application_ptr application,
                                        service_request request) {
  const auto method = request.message.method();
  const auto path = split_target(request.message.target()).path;
  const auto page = find_reserved_page(*application, path).value_or(reserved_page::other);
  if (page == reserved_page::callback) {
    if (method != http_verb::get) co_return refuse_method(request, "GET");
    co_return co_await finish(std::move(application), std::move(request));
  }
  if (page == reserved_page::logout) {
    if (method != http_verb::get && method != http_verb::post)
      co_return refuse_method(request, "GET, POST");
    co_return co_await logout(std::move(application), std::move(request));
  }
  co_return refuse(sign_in_error(error_category::not_found, "page_unknown"), *application,
                   request.request_id, form_for(request));
}

// -- second half ----------------------------------------------------------------------------------

awaitable<http_response> sign_in::finish(actors::application_ptr application,
                                         service_request request) {
  const auto& a = *application;
  const auto form = form_for(request);
  const auto sent = read_parameters(split_target(request.message.target()).query);
  if (!sent)
    co_return refuse(sign_in_error(error_category::invalid_input, "attempt_malformed"), a,
                     request.request_id, form);
  const auto attempt = find_attempt(a, joined_cookies(request.message), value_of(*sent, "state"),
                                    *context_.cookie_keys, now());
  // Not for the audit log: anybody can send as many of these as he likes.
  if (!attempt) co_return refuse(attempt.error(), a, request.request_id, form);

  const callback_answer answer{
      std::string{value_of(*sent, "code")}, std::string{value_of(*sent, "iss")},
      std::string{value_of(*sent, "error")}, std::string{value_of(*sent, "error_description")}};
  actors::access_session session;
  const auto redeemed = co_await redeem(a, *attempt, answer, session);
  const auto why = redeemed ? error{error_category::none, {}, {}, {}} : redeemed.error();
  record(a, request, session.user.name, why);
  auto response =
      redeemed ? admit(a, *attempt, std::move(session)) : refuse(why, a, request.request_id, form);
  add_cookie(response, clear_attempt_cookie(a, attempt->state));
  co_return response;
}

/// `session` gets its user as soon as one is known, so that the audit log can name who was refused.
awaitable<result<void>> sign_in::redeem(const config::application& a,
                                        const sign_in_attempt& attempt,
                                        const callback_answer& answer,
                                        actors::access_session& session) {
  const auto& issuer = issuer_of(a, context_.urls);
  const auto metadata = co_await issuers_.discover(issuer);
  if (!metadata) co_return metadata.error();
  // RFC 9207: the answer of one issuer must not be taken for that of another (mix-up).
  if (answer.issuer.empty() ? (*metadata)->names_itself : answer.issuer != issuer)
    co_return sts_error(error_category::invalid_input, "issuer_mismatch", answer.issuer);
  if (!answer.error.empty()) co_return read_authorization_error(answer.error, answer.description);
  if (answer.code.empty())
    co_return sign_in_error(error_category::invalid_input, "attempt_malformed", "no code");

  auto secret = co_await read_secret(a);
  if (!secret) co_return secret.error();
  code_exchange exchange{issuer,          answer.code,        callback_url(a),
                         client_id_of(a), std::move(*secret), attempt.code_verifier};
  auto token = co_await issuers_.exchange_code(std::move(exchange));
  if (!token) co_return token.error();
  actors::token_expectation wanted;
  wanted.token = std::move(*token);
  wanted.issuer = issuer;
  wanted.audience = client_id_of(a);
  wanted.nonce = attempt.nonce;
  auto verified = co_await context_.port->ask<actors::verified_token>(
      handles_of(context_).tokens, actors::verify_timeout, actors::verify_atom_v,
      std::move(wanted));
  if (!verified) co_return verified.error();
  session = make_session(a, std::move(*verified));

  switch (actors::decide(session, a, context_.clock.now()).verdict) {
    case actors::access_verdict::allow:
      break;
    case actors::access_verdict::maintenance:
      co_return error{error_category::unavailable, "maintenance", "application", {}};
    case actors::access_verdict::sign_in:
      // The leeway let the token in, but a session that is over at once would sign in for ever.
      co_return error{error_category::unauthenticated, "token_expired", "token", {}};
    case actors::access_verdict::deny:
      co_return error{error_category::forbidden, "not_assigned", "assignment", session.user.name};
  }
  co_return result<void>{};
}

awaitable<result<std::string>> sign_in::read_secret(const config::application& a) {
  // The built-in STS knows every application as a public client (edge/sts_clients.hpp).
  const bool built_in =
      context_.sts != nullptr && issuer_of(a, context_.urls) == context_.urls.issuer;
  if (a.client_secret_file.empty() || built_in) co_return std::string{};
  auto work = [file = a.client_secret_file]() -> result<std::string> {
    return runtime::read_file(file);
  };
  auto read = co_await context_.pool.run_blocking(std::move(work));
  // Editors end the last line.
  while (read && (read->ends_with('\n') || read->ends_with('\r')))
    read->pop_back();
  if (read && is_secret(*read)) co_return std::move(*read);
  co_return error{error_category::internal, "client_secret_unreadable", "service",
                  read ? a.client_secret_file + ": expected one line of printable characters"
                       : read.error().detail};
}

actors::access_session sign_in::make_session(const config::application& a,
                                             actors::verified_token token) {
  constexpr size_t id_bytes = 16;
  actors::access_session session;
  session.id = context_.random.hex(id_bytes);
  session.application = a.name;
  session.user = std::move(token.user);
  session.issued_at = now();
  session.expires_at =
      std::min(token.expires_at, session.issued_at + context_.options.session.lifetime.count());
  session.authenticated_at = token.authenticated_at;
  return session;
}

http_response sign_in::admit(const config::application& a, const sign_in_attempt& attempt,
                             actors::access_session session) {
  static const config::published nothing;
  const auto& published = context_.routing ? *context_.routing->published : nothing;
  // Checked again although it was sealed: the application may have moved since.
  auto response =
      redirect_answer(http_status::see_other, absolute_url(a, safe_target(a, attempt.target)));
  add_cookie(response, make_session_cookie(session, a, published, *context_.cookie_keys, now()));
  return response;
}

void sign_in::record(const config::application& a, const service_request& request,
                     const std::string& user, const error& why) {
  const bool failed = why.category != error_category::none;
  actors::audit_event event;
  event.category = "sign_in";
  event.action = failed ? "sign_in_failed" : "sign_in_succeeded";
  event.actor = user;
  event.target = a.name;
  event.outcome = failed ? why.cause : "success";
  event.address = request.client_address;
  event.request_id = request.request_id;
  event.detail = why.detail;
  runtime::log_event(failed ? spdlog::level::warn : spdlog::level::info, event.action,
                     {{"user", event.actor},
                      {"application", event.target},
                      {"outcome", event.outcome},
                      {"detail", event.detail},
                      {"address", event.address},
                      {"request_id", event.request_id}});
  // An attempt is anybody's for the asking: without a user it is for the log alone.
  if (user.empty()) return;
  context_.port->tell(handles_of(context_).audit, actors::record_atom_v, std::move(event));
}

// -- out again ------------------------------------------------------------------------------------

awaitable<http_response> sign_in::logout(actors::application_ptr application,
                                         service_request request) {
  const auto& a = *application;
  const auto cookies = joined_cookies(request.message);
  const auto session =
      open_session(find_cookie(cookies, session_cookie_name(a)), *context_.cookie_keys);
  if (session && session->application == a.name) {
    actors::session_selector selected{session->id, {}};
    const auto ended = co_await context_.port->ask<uint64_t>(
        handles_of(context_).sessions, actors::durable_timeout, actors::revoke_atom_v,
        std::move(selected));
    // In force at once all the same; only a restart could forget it, and the cookie goes anyway.
    if (!ended)
      runtime::log_event(spdlog::level::warn, "sign_out_not_durable",
                         {{"user", session->user.name},
                          {"cause", ended.error().cause},
                          {"request_id", request.request_id}});
  }
  std::string there;
  if (const auto metadata = co_await issuers_.discover(issuer_of(a, context_.urls)))
    there = end_session_url(**metadata, client_id_of(a), a.external_url);
  auto response =
      there.empty() ? signed_out_page() : redirect_answer(http_status::see_other, there);
  add_cookie(response, clear_session_cookie(a));
  for (const auto& old : drop_all_attempts(a, cookies))
    add_cookie(response, old);
  co_return response;
}

http_response sign_in_needed(const config::application& a, const error& why,
                             std::string_view request_id, refusal_form form) {
  return refuse(why, a, request_id, form);
}

}  // namespace postern::edge
