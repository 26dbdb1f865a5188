#include "edge/http2_connection.hpp"

#include "edge/http2_request.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace postern::edge {

namespace asio = boost::asio;
namespace limits = runtime::limits;
using runtime::awaitable;

namespace {

using namespace std::chrono_literals;

// Request objects that wait for the next request of their connection, ...
constexpr size_t kept_requests = 16;
// ... and for how long while there is none.
constexpr auto rest_after = 5s;
// Requests whose user has gone may still wait for an answer of an actor: so many are waited for.
constexpr size_t most_requests = 2 * limits::user_streams;
// Requests that cross the announcement of the end are served for so long.
constexpr auto farewell_time = 1s;
// After the last stream the client closes; else the end would race with what it has not read yet.
constexpr auto linger_time = 1s;

runtime::http2_options options_for_users() {
  runtime::http2_options options;
  options.server = true;
  options.initial_window = limits::user_stream_window;
  options.window_growth = limits::user_window_growth;
  options.max_streams = limits::user_streams;
  options.max_frame = limits::user_frame;
  options.extended_connect = true;
  options.untrusted = true;
  return options;
}

}  // namespace

http2_connection::http2_connection(edge_context& context, gatekeeper& gate, site& service,
                                   runtime::transport connection, std::string client_address)
    : context_(context),
      gate_(gate),
      site_(service),
      client_address_(std::move(client_address)),
      server_name_(runtime::server_name(connection.tls())),
      session_(context.home, std::move(connection), *this, options_for_users()),
      done_(context.home) {
  arm_idle(limits::keep_alive_timeout);
}

http2_connection::~http2_connection() = default;

awaitable<void> http2_connection::run() {
  auto self = shared_from_this();
  const auto why = co_await session_.run();
  deadline_.disarm();
  farewell_.disarm();
  const bool attacked = why.cause == "http2_flood" || why.cause == "http2_protocol";
  runtime::log_event(attacked ? spdlog::level::warn : spdlog::level::debug,
                     "HTTP/2 connection ended",
                     {{"address", client_address_}, {"cause", why.cause}, {"detail", why.detail}});
  while (free_.size() < requests_.size())
    co_await done_.wait();
  keep_free(0);
}

// -- requests
// -------------------------------------------------------------------------------------

runtime::http2_stream* http2_connection::on_request_stream() {
  if (free_.empty()) {
    if (requests_.size() >= most_requests) return nullptr;
    make_request();
  }
  auto* request = free_.back();
  free_.pop_back();
  rested_ = false;
  request->assign();
  context_.home.timers().arm(
      deadline_, limits::head_timeout,
      [](void* raw) { static_cast<http2_connection*>(raw)->session_.close(); }, this);
  return request;
}

void http2_connection::make_request() {
  auto request = std::make_shared<http2_request>(*this);
  free_.push_back(request.get());
  requests_.push_back(request);
  asio::co_spawn(
      context_.home.get_executor(),
      [self = shared_from_this(), request]() -> awaitable<void> { co_await request->run(); },
      asio::detached);
}

void http2_connection::release(http2_request& request) {
  free_.push_back(&request);
  keep_free(kept_requests);
  done_.wake();
  if (brief_ && !left_) {
    left_ = true;
    session_.go_away();
  }
  if (free_.size() < requests_.size() || session_.open_streams() > 0) return;
  if (left_)
    linger();
  else
    arm_idle(rest_after);
}

void http2_connection::keep_free(size_t most) {
  while (free_.size() > most) {
    auto* surplus = free_.back();
    free_.pop_back();
    surplus->quit();
    std::erase_if(requests_, [&](const auto& r) { return r.get() == surplus; });
  }
}

void http2_connection::remember(const opened_session& session) {
  if (last_session_ && last_session_->cookie == session.cookie) return;
  last_session_ = std::make_unique<opened_session>(session);
}

bool http2_connection::covers(std::string_view host) {
  const auto& service = context_.options.names.service;
  if (runtime::iequals(host, service) != runtime::iequals(server_name_, service)) return false;
  if (runtime::iequals(host, server_name_) || host == covered_) return true;
  if (!runtime::certificate_covers(session_.connection().tls(), host)) return false;
  covered_ = host;
  return true;
}

// -- ends
// -----------------------------------------------------------------------------------------

void http2_connection::arm_idle(std::chrono::milliseconds after) {
  context_.home.timers().arm(
      deadline_, after, [](void* raw) { static_cast<http2_connection*>(raw)->on_idle(); }, this);
}

void http2_connection::on_idle() {
  if (rested_ || requests_.empty()) return leave();
  rested_ = true;
  keep_free(0);
  arm_idle(limits::keep_alive_timeout - rest_after);
}

void http2_connection::make_brief() {
  brief_ = true;
  arm_idle(limits::head_timeout);
}

void http2_connection::drain() {
  if (left_) return;
  for (auto& request : requests_)
    request->tell_to_move();
  session_.announce_end();
  context_.home.timers().arm(
      farewell_, farewell_time, [](void* raw) { static_cast<http2_connection*>(raw)->leave(); },
      this);
}

void http2_connection::leave() {
  if (left_) return;
  left_ = true;
  session_.go_away();
  if (session_.open_streams() == 0) linger();
}

void http2_connection::linger() {
  context_.home.timers().arm(
      farewell_, linger_time,
      [](void* raw) { static_cast<http2_connection*>(raw)->session_.close(); }, this);
}

void http2_connection::stop_waiting() {
  for (auto& request : requests_)
    request->stop_waiting();
}

void http2_connection::end() {
  session_.close();
}

}  // namespace postern::edge
