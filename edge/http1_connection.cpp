#include "edge/http1_connection.hpp"

#include "edge/gatekeeper.hpp"
#include "edge/node_load.hpp"
#include "edge/site.hpp"
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
using runtime::io_status;

namespace {

constexpr std::string_view robots_text = "User-agent: *\nDisallow: /\n";

runtime::http_response plain_response(runtime::http_status status, std::string content) {
  runtime::http_response response{status, 11};
  response.set(runtime::http_field::content_type, "text/plain; charset=utf-8");
  response.body() = std::move(content);
  return response;
}

runtime::http_response moved_to(std::string location) {
  runtime::http_response response{runtime::http_status::permanent_redirect, 11};
  response.set(runtime::http_field::location, location);
  return response;
}

error no_such_application() {
  return {error_category::not_found, "application_unknown", "application", {}};
}

}  // namespace

http1_connection::http1_connection(edge_context& context, gatekeeper& gate, site& service,
                                   runtime::transport connection, std::string client_address)
    : context_(context),
      gate_(gate),
      site_(service),
      connection_(std::move(connection)),
      client_address_(std::move(client_address)),
      point_(context.home),
      exchange_(context, *this) {}

http1_connection::~http1_connection() {
  context_.home.forget(*this);
  release_input();
}

void http1_connection::drain() {
  boost::system::error_code ignored;
  if (idle_) connection_.socket().cancel(ignored);
}

void http1_connection::end() {
  exchange_.user_gone();
  drop_connection();
}

awaitable<void> http1_connection::run() {
  auto self = shared_from_this();
  while (keep_alive_ && !dropped_ && !context_.load->draining.load(std::memory_order_relaxed)) {
    idle_ = true;
    const auto outcome = co_await read_head();
    idle_ = false;
    if (outcome == head_outcome::closed) break;
    context_.load->exchanges.fetch_add(1, std::memory_order_relaxed);
    started_at_ = std::chrono::steady_clock::now();
    if (outcome == head_outcome::complete) {
      co_await serve();
    } else {
      keep_alive_ = content_ended_ = false;
      request_id_ = context_.random.hex(16);
      refuse(outcome == head_outcome::too_large
                 ? error{error_category::too_large, "head_too_large", "request", {}}
                 : error{error_category::timeout, "request_timeout", "request", {}});
    }
    co_await finish_output();
    context_.load->exchanges.fetch_sub(1, std::memory_order_relaxed);
  }
  co_await close_gently();
}

awaitable<http1_connection::head_outcome> http1_connection::read_head() {
  timed_out_ = false;
  const auto arm = [this](std::chrono::milliseconds after) {
    context_.home.timers().arm(
        deadline_, after,
        [](void* raw) {
          auto& late = *static_cast<http1_connection*>(raw);
          late.timed_out_ = true;
          boost::system::error_code ignored;
          late.connection_.socket().cancel(ignored);
        },
        this);
  };
  arm(limits::keep_alive_timeout);
  size_t scanned = 0;
  for (bool begun = false;;) {
    while (in_end_ - in_begin_ >= 2 && scanned == 0 && in_[in_begin_] == '\r' &&
           in_[in_begin_ + 1] == '\n')
      in_begin_ += 2;  // RFC 9112, 2.2: an empty line before a request is skipped
    if (!input().empty()) {
      if (const auto end = runtime::find_head_end(input(), scanned);
          end != std::string_view::npos) {
        deadline_.disarm();
        scanned = end;
        break;
      }
      scanned = input().size();
      if (!begun) arm(limits::head_timeout);
      begun = true;
    }
    if (in_ == nullptr && !SSL_has_pending(connection_.tls())) {
      if (!co_await connection_.wait_readable()) co_return head_outcome::closed;
    }
    if (!make_room()) co_return head_outcome::too_large;
    switch (fill_input()) {
      case io_status::done:
        break;
      case io_status::want_read:
      case io_status::want_write:
        if (input().empty()) release_input();
        if (!co_await connection_.wait_readable())
          co_return timed_out_&& begun ? head_outcome::too_slow : head_outcome::closed;
        break;
      default:
        co_return head_outcome::closed;
    }
  }
  parser_.emplace();
  const auto head = input().substr(0, scanned);
  in_begin_ += scanned;
  content_ended_ = true;
  request_id_ = context_.random.hex(16);
  head_request_ = http10_ = false;
  form_ = refusal_form::problem;
  if (auto parsed = parser_->parse_head(head); !parsed) {
    keep_alive_ = false;
    parser_.reset();
    refuse(parsed.error());
    co_await finish_output();
    co_return head_outcome::closed;
  }
  co_return head_outcome::complete;
}

awaitable<void> http1_connection::serve() {
  http10_ = parser_->version() < 11;
  const auto checked = check_request(*parser_);
  if (!checked) {
    keep_alive_ = false;
    refuse(checked.error());
    co_return;
  }
  head_request_ = checked->method == "HEAD";
  remember(*checked);
  keep_alive_ = checked->keep_alive;
  content_ended_ = !checked->has_content;
  owes_continue_ = checked->expects_continue;
  unread_ = readable_ = false;
  if (context_.load->draining.load(std::memory_order_relaxed)) keep_alive_ = false;
  if (site_.is_service_host(checked->host))
    co_await serve_service(*checked);
  else
    co_await serve_application(*checked);
  if (!content_ended_) keep_alive_ = false;
  write_access_log();
}

void http1_connection::remember(const checked_request& request) {
  // Content overwrites the head in the input buffer: what is needed to the end is kept apart.
  const auto& fields = parser_->fields();
  form_ = choose_form(runtime::field_value(fields, "sec-fetch-mode"),
                      runtime::field_value(fields, "sec-fetch-dest"),
                      runtime::field_value(fields, "x-requested-with"),
                      runtime::field_value(fields, "accept"));
  if (!context_.options.log.access) return;
  facts_.method = request.method;
  facts_.host = request.host;
  facts_.path = request.path;
}

awaitable<void> http1_connection::serve_application(const checked_request& request) {
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
  if (to->scoped) {
    bool ignored = false;
    if (has_dot_segments(request.path) ||
        routes->find(request.host, careless_reading(request.path), ignored) != to)
      co_return refuse({error_category::invalid_input, "malformed_head", "request",
                        "a path that could be read in two ways"});
  }
  const auto& application = *to->application;
  if (application.maintenance)
    co_return refuse({error_category::unavailable, "maintenance", "application", {}});
  if (application.preauthentication == config::preauthentication_kind::passthrough)
    co_return co_await run_exchange(request, *to, nullptr);

  if (request.path.substr(to->urls.external_path.size()).starts_with(".postern/")) {
    service_request whole;
    if (!co_await read_service_request(request, whole)) co_return;
    co_return respond(co_await gate_.serve_reserved(*to, std::move(whole)));
  }
  auto admitted =
      co_await gate_.admit(*to, request, parser_->fields(), session_, client_address_, request_id_);
  if (!admitted.allowed) co_return respond(std::move(admitted.response));
  // The identity is copied: a later request of the same connection may bring another session.
  const auto user = session_->session.user;
  co_await run_exchange(request, *to, &user);
}

awaitable<void> http1_connection::run_exchange(const checked_request& request,
                                               const published_application& to,
                                               const actors::identity* user) {
  translate_request(translated_, request, parser_->fields(), *to.application, to.urls,
                    {client_address_, request_id_, user});
  const exchange_request asked{&to,
                               &translated_.fields(),
                               request_id_,
                               request.has_content,
                               is_idempotent(request.method),
                               request.websocket};
  framing_ = framing::none;
  trailers_.clear();
  watched_application_ = to.application;
  do {
    auto started = co_await exchange_.start(asked);
    if (started) co_await pump();
  } while (exchange_.may_retry() && !dropped_);
  unread_ = false;
  end_check_.disarm();
  const bool failed = exchange_.current() == exchange::state::failed;
  if (failed && !exchange_.head_sent() && !dropped_ && exchange_.failure().cause != "user_gone")
    refuse(exchange_.failure());
  if (failed && exchange_.failure().cause == "user_gone") drop_connection();
  ++exchange_number_;
  if (failed)
    runtime::log_event(spdlog::level::warn, "exchange failed",
                       {{"request_id", request_id_},
                        {"application", to.application->name},
                        {"cause", exchange_.failure().cause},
                        {"connector", exchange_.connector()},
                        {"detail", exchange_.failure().detail}});
  if (framing_ == framing::upgraded) {
    keep_alive_ = false;
    content_ended_ = true;
  }
  exchange_.reset();
}

awaitable<void> http1_connection::pump() {
  while (!exchange_.ended() && !dropped_) {
    if (!content_ended_)
      take_content();
    else if (exchange_.watch_user())
      watch_user();
    if (exchange_.ended()) break;
    if (exchange_.watch_user() && session_ && watched_exchange_ != exchange_number_) {
      watched_exchange_ = exchange_number_;
      asio::co_spawn(context_.home.get_executor(), watch_session(shared_from_this(), *session_),
                     asio::detached);
    }
    if (!content_ended_ && exchange_.content_room() == 0 && exchange_.watch_user()) watch_user();
    co_await point_.wait();
  }
  if (dropped_) exchange_.user_gone();
}

awaitable<void> http1_connection::watch_session(
    [[maybe_unused]] std::shared_ptr<http1_connection> self, opened_session session) {
  // A node that stops waits for this coroutine as well.
  const counted running{context_.load->connections};
  const auto number = exchange_number_;
  auto application = watched_application_;
  runtime::wait_point later{context_.home};
  runtime::coarse_timer pause;
  for (;;) {
    context_.home.timers().arm(
        pause, limits::session_watch_interval,
        [](void* raw) { static_cast<runtime::wait_point*>(raw)->wake(); }, &later);
    co_await later.wait();
    if (dropped_ || exchange_number_ != number || exchange_.ended()) co_return;
    const auto decision = co_await gate_.decide(application, session);
    // An actor that is being restarted decides nothing: the stream goes on until one does.
    if (!decision && decision.error().category != runtime::error_category::unauthenticated)
      continue;
    if (decision && decision->verdict == actors::access_verdict::allow) continue;
    if (dropped_ || exchange_number_ != number || exchange_.ended()) co_return;
    runtime::log_event(spdlog::level::info, "stream cut",
                       {{"request_id", request_id_},
                        {"user", session.session.user.name},
                        {"cause", decision ? decision->reason : decision.error().cause}});
    end();
    co_return;
  }
}

}  // namespace postern::edge
