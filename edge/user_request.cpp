#include "edge/user_request.hpp"

#include "edge/node_load.hpp"
#include "edge/site.hpp"
#include "edge/traffic_limits.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace postern::edge {

namespace asio = boost::asio;
namespace limits = runtime::limits;
using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::field_list;
using runtime::result;

namespace {

constexpr std::string_view robots_text = "User-agent: *\nDisallow: /\n";

runtime::http_response plain_response(runtime::http_status status, std::string content) {
  runtime::http_response response{status, 11};
  response.set(runtime::http_field::content_type, "text/plain; charset=utf-8");
  response.body() = std::move(content);
  return response;
}

runtime::http_response moved_to(const std::string& location) {
  runtime::http_response response{runtime::http_status::permanent_redirect, 11};
  response.set(runtime::http_field::location, location);
  return response;
}

error no_such_application() {
  return {error_category::not_found, "application_unknown", "application", {}};
}

error request_timeout() {
  return {error_category::timeout, "request_timeout", "request", "the content did not go on"};
}

error too_many_requests(const char* source) {
  return {error_category::overloaded, "too_many_requests", source, {}};
}

}  // namespace

user_request::user_request(edge_context& context, gatekeeper& gate, site& service)
    : context_(context), exchange_(context, *this), gate_(gate), site_(service) {}

void user_request::begin(std::string_view client_address) {
  client_address_ = client_address;
  request_id_ = context_.random.hex(16);
  began_at_ = clock::now();
  form_ = refusal_form::problem;
  response_status_ = 0;
  authenticated_ = false;
  facts_ = {};
}

void user_request::remember(const checked_request& request, const field_list& fields) {
  // Content of HTTP/1.1 overwrites the head: what is needed to the end is kept apart.
  form_ = choose_form(runtime::field_value(fields, "sec-fetch-mode"),
                      runtime::field_value(fields, "sec-fetch-dest"),
                      runtime::field_value(fields, "x-requested-with"),
                      runtime::field_value(fields, "accept"));
  if (!context_.options.log.access) return;
  facts_.method = request.method;
  facts_.host = request.host;
  facts_.path = request.path;
}

awaitable<void> user_request::serve(const checked_request& request, const field_list& fields) {
  remember(request, fields);
  if (!context_.load->traffic->take_of_address(client_address_, began_at_))
    co_return refuse(too_many_requests("request"));
  if (site_.is_service_host(request.host))
    co_await serve_service(request, fields);
  else if (service_only_)
    refuse({error_category::overloaded, "node_full", "service", {}});
  else
    co_await serve_application(request, fields);
}

awaitable<bool> user_request::make_whole(const checked_request& request, const field_list& fields,
                                         service_request& whole) {
  if (auto read = co_await read_content(request, whole.message.body()); !read) {
    refuse(read.error());
    co_return false;
  }
  whole.message.method_string(request.method);
  whole.message.target(request.target);
  for (const auto& f : fields)
    if (!f.name.starts_with(':')) whole.message.insert(f.name, f.value);
  whole.message.set(runtime::http_field::host, request.authority);
  whole.host = std::string{request.host};
  whole.client_address = client_address_;
  whole.request_id = request_id_;
  co_return true;
}

awaitable<void> user_request::serve_service(const checked_request& request,
                                            const field_list& fields) {
  service_request whole;
  if (!co_await make_whole(request, fields, whole)) co_return;
  whole.peer_certificate_pem = runtime::peer_certificate_pem(user_transport().tls());
  auto response = co_await site_.handle(std::move(whole));
  respond(response);
}

awaitable<void> user_request::serve_reserved(const published_application& to,
                                             const checked_request& request,
                                             const field_list& fields) {
  service_request whole;
  if (!co_await make_whole(request, fields, whole)) co_return;
  auto response = co_await gate_.serve_reserved(to, std::move(whole));
  respond(response);
}

awaitable<void> user_request::serve_application(const checked_request& request,
                                                const field_list& fields) {
  const auto routes = context_.published;
  if (!routes || !routes->contains_host(request.host)) co_return refuse(no_such_application());
  if (request.path == "/robots.txt")
    co_return respond(plain_response(runtime::http_status::ok, std::string{robots_text}));
  bool needs_slash = false;
  const auto* to = routes->find(request.host, request.path, needs_slash);
  if (to == nullptr) co_return refuse(no_such_application());
  if (needs_slash) {
    co_return respond(moved_to(std::string{request.path} + "/" +
                               std::string{request.target.substr(request.path.size())}));
  }
  if (to->scoped && routes->leads_elsewhere(request.host, request.path, *to))
    co_return refuse({error_category::invalid_input, "malformed_head", "request",
                      "a path that could be read in two ways"});
  const auto& application = *to->application;
  if (!context_.load->traffic->take_of_application(application.name, began_at_))
    co_return refuse(too_many_requests("application"));
  if (application.maintenance)
    co_return refuse({error_category::unavailable, "maintenance", "application", {}});
  if (application.preauthentication == config::preauthentication_kind::passthrough)
    co_return co_await run_exchange(request, fields, *to, nullptr);
  if (request.path.substr(to->urls.external_path.size()).starts_with(".postern/"))
    co_return co_await serve_reserved(*to, request, fields);
  auto admitted =
      co_await gate_.admit(*to, request, fields, session_, client_address_, request_id_);
  if (!admitted.allowed) co_return respond(admitted.response);
  authenticated_ = true;
  // The identity is copied: a later request of the same connection may bring another session.
  const auto user = session_->session.user;
  co_await run_exchange(request, fields, *to, &user);
}

awaitable<void> user_request::run_exchange(const checked_request& request, const field_list& fields,
                                           const published_application& to,
                                           const actors::identity* user) {
  if (is_gone()) co_return;
  translate_request(translated_, request, fields, *to.application, to.urls,
                    {client_address_, request_id_, user});
  const exchange_request asked{&to,
                               &translated_.fields(),
                               request_id_,
                               request.has_content,
                               is_idempotent(request.method),
                               request.websocket};
  watched_application_ = to.application;
  do {
    auto started = co_await exchange_.start(asked);
    if (started) co_await pump();
  } while (exchange_.may_retry() && !is_gone());
  const bool failed = exchange_.current() == exchange::state::failed;
  if (failed && exchange_.failure().cause == "user_gone")
    cut();
  else if (failed && !exchange_.head_sent() && !is_gone())
    refuse(exchange_.failure().cause == "origin_timeout" && exchange_.wants_content()
               ? request_timeout()
               : exchange_.failure());
  ++exchange_number_;
  if (failed)
    runtime::log_event(spdlog::level::warn, "exchange failed",
                       {{"request_id", request_id_},
                        {"application", to.application->name},
                        {"cause", exchange_.failure().cause},
                        {"connector", exchange_.connector()},
                        {"detail", exchange_.failure().detail}});
  exchange_.reset();
}

void user_request::watch_session() {
  if (!exchange_.watch_user() || watched_exchange_ == exchange_number_) return;
  watched_exchange_ = exchange_number_;
  asio::co_spawn(context_.home.get_executor(),
                 ask_again(hold(), authenticated_ ? *session_ : opened_session{}), asio::detached);
}

awaitable<result<actors::access_decision>> user_request::decide_again(
    const std::string& application, opened_session& session) {
  using actors::access_verdict;
  const auto* to = context_.published->find_named(application);
  if (to == nullptr) co_return actors::access_decision{access_verdict::deny, "application_unknown"};
  if (!session.cookie.empty()) co_return co_await gate_.decide(to->application, session);
  if (to->application->maintenance)
    co_return actors::access_decision{access_verdict::maintenance, "maintenance"};
  if (to->application->preauthentication == config::preauthentication_kind::passthrough)
    co_return actors::access_decision{access_verdict::allow, "passthrough"};
  co_return actors::access_decision{access_verdict::sign_in, "not_signed_in"};
}

awaitable<void> user_request::ask_again([[maybe_unused]] std::shared_ptr<const void> self,
                                        opened_session session) {
  // A node that stops waits for this coroutine as well.
  const counted running{context_.load->watches};
  const auto number = exchange_number_;
  const auto name = watched_application_->name;
  runtime::wait_point later{context_.home};
  runtime::coarse_timer pause;
  const auto over = [&] { return is_gone() || exchange_number_ != number || exchange_.ended(); };
  for (;;) {
    context_.home.timers().arm(
        pause, limits::session_watch_interval,
        [](void* raw) { static_cast<runtime::wait_point*>(raw)->wake(); }, &later);
    co_await later.wait();
    if (over()) co_return;
    const auto decision = co_await decide_again(name, session);
    // An actor that is being restarted decides nothing: the stream goes on until one does.
    if (!decision && decision.error().category != error_category::unauthenticated) continue;
    if (decision && decision->verdict == actors::access_verdict::allow) continue;
    if (over()) co_return;
    runtime::log_event(spdlog::level::info, "stream cut",
                       {{"request_id", request_id_},
                        {"user", session.session.user.name},
                        {"cause", decision ? decision->reason : decision.error().cause}});
    exchange_.user_gone();
    cut();
    co_return;
  }
}

void user_request::refuse(const error& why) {
  runtime::log_event(spdlog::level::info, "refused",
                     {{"request_id", request_id_},
                      {"cause", why.cause},
                      {"source", why.source},
                      {"address", client_address_},
                      {"detail", why.detail}});
  respond(make_refusal(why, request_id_, form_));
}

void user_request::respond(const runtime::http_response& response) {
  response_status_ = response.result_int();
  send_response(response);
}

void user_request::write_access_log() {
  if (!context_.options.log.access) return;
  const auto spent =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began_at_);
  const auto status = std::to_string(response_status_);
  const auto duration = std::to_string(spent.count());
  runtime::log_event(spdlog::level::info, "access",
                     {{"request_id", request_id_},
                      {"method", facts_.method},
                      {"host", facts_.host},
                      {"path", facts_.path},
                      {"status", status},
                      {"ms", duration},
                      {"user", authenticated_ ? std::string_view{session_->session.user.name}
                                              : std::string_view{}},
                      {"address", client_address_}});
}

}  // namespace postern::edge
