#include "edge/http1_connection.hpp"

#include "edge/node_load.hpp"
#include "runtime/limits.hpp"

namespace postern::edge {

namespace asio = boost::asio;
namespace limits = runtime::limits;
using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::io_status;

namespace {

// After a refusal the rest of what the user sends is read and thrown away this long, so that the
// answer is not lost to a reset. Whoever stops at the answer has no more on its way than its
// system keeps for a socket (4 MiB on Linux).
constexpr auto linger_time = std::chrono::seconds{2};
constexpr size_t linger_bytes = 4 * 1024 * 1024;

/// For heads that nobody could read to their end.
bool asks_head(std::string_view head) {
  return head.starts_with("HEAD ");
}

}  // namespace

http1_connection::http1_connection(edge_context& context, gatekeeper& gate, site& service,
                                   runtime::transport connection, std::string client_address)
    : user_request(context, gate, service),
      connection_(std::move(connection)),
      client_address_(std::move(client_address)),
      point_(context.home) {}

http1_connection::~http1_connection() {
  context_.home.forget(*this);
  release_input();
}

void http1_connection::leave() {
  leaving_ = true;
  boost::system::error_code ignored;
  if (idle_) connection_.socket().cancel(ignored);
}

void http1_connection::end() {
  exchange_.user_gone();
  drop_connection();
}

awaitable<void> http1_connection::run() {
  auto self = shared_from_this();
  while (keep_alive_ && !dropped_ && !leaving_) {
    idle_ = true;
    const auto outcome = co_await read_head();
    idle_ = false;
    if (outcome == head_outcome::closed) break;
    context_.load->exchanges.fetch_add(1, std::memory_order_relaxed);
    if (outcome == head_outcome::complete) {
      co_await serve_next();
    } else {
      keep_alive_ = content_ended_ = false;
      begin(client_address_);
      head_request_ = asks_head(input());
      refuse(outcome == head_outcome::too_large
                 ? error{error_category::too_large, "head_too_large", "request", {}}
                 : error{error_category::timeout, "request_timeout", "request", {}});
    }
    co_await finish_output();
    context_.load->exchanges.fetch_sub(1, std::memory_order_relaxed);
  }
  co_await close_gently();
}

void http1_connection::cancel_after(std::chrono::milliseconds patience) {
  context_.home.timers().arm(
      deadline_, patience,
      [](void* raw) {
        auto& late = *static_cast<http1_connection*>(raw);
        late.timed_out_ = true;
        boost::system::error_code ignored;
        late.connection_.socket().cancel(ignored);
      },
      this);
}

awaitable<http1_connection::head_outcome> http1_connection::read_head() {
  timed_out_ = head_request_ = http10_ = false;
  cancel_after(serves_service_only() ? std::chrono::milliseconds{limits::head_timeout}
                                     : limits::keep_alive_timeout);
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
      if (!begun) cancel_after(limits::head_timeout);
      begun = true;
    }
    if (in_ == nullptr && !SSL_has_pending(connection_.tls())) {
      const bool readable = co_await connection_.wait_readable();
      // A request that came in the moment of leaving is the last one, not lost.
      if (!readable && (!leaving_ || timed_out_)) co_return head_outcome::closed;
    }
    if (!make_room()) co_return head_outcome::too_large;
    switch (fill_input()) {
      case io_status::done:
        break;
      case io_status::want_read:
      case io_status::want_write:
        if (input().empty()) release_input();
        if (leaving_ && !begun) co_return head_outcome::closed;
        if (!co_await connection_.wait_readable() && (!leaving_ || !begun || timed_out_))
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
  begin(client_address_);
  if (auto parsed = parser_->parse_head(head); !parsed) {
    keep_alive_ = content_ended_ = false;  // nobody knows what follows
    parser_.reset();
    head_request_ = asks_head(head);
    refuse(parsed.error());
    co_await finish_output();
    co_return head_outcome::closed;
  }
  co_return head_outcome::complete;
}

awaitable<void> http1_connection::serve_next() {
  http10_ = parser_->version() < 11;
  head_request_ = parser_->method() == "HEAD";
  const auto checked = check_request(*parser_);
  if (!checked) {
    keep_alive_ = content_ended_ = false;
    refuse(checked.error());
    co_return;
  }
  keep_alive_ = checked->keep_alive && !serves_service_only();
  content_ended_ = !checked->has_content;
  owes_continue_ = checked->expects_continue;
  unread_ = readable_ = false;
  if (context_.load->draining.load(std::memory_order_relaxed)) keep_alive_ = false;
  framing_ = framing::none;
  trailers_.clear();
  co_await user_request::serve(*checked, parser_->fields());
  unread_ = false;
  end_check_.disarm();
  if (framing_ == framing::upgraded) content_ended_ = true;
  if (!content_ended_ || framing_ == framing::upgraded) keep_alive_ = false;
  write_access_log();
}

awaitable<runtime::result<void>> http1_connection::read_content(const checked_request& request,
                                                                std::string& content) {
  if (content_ended_) co_return runtime::result<void>{};
  if (request.expects_continue) {
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    flush();
  }
  // The head's views point into the input buffer: the content is read through a buffer of its own.
  service_content_ = &content;
  std::string pending{input()};
  in_begin_ = in_end_;
  bool good = true;
  timed_out_ = false;
  cancel_after(limits::service_content_timeout);
  std::string more(runtime::buffer_pool::buffer_size, '\0');
  while (good && !parser_->done()) {
    const auto taken = parser_->parse_content(pending, *this);
    good = taken && content.size() <= limits::service_content_bytes &&
           pending.size() <= limits::head_bytes;
    if (!good) break;
    pending.erase(0, *taken);
    if (parser_->done()) break;
    const auto outcome = connection_.try_read(more);
    if (timed_out_)
      good = false;
    else if (outcome.status == io_status::done)
      pending.append(more, 0, outcome.bytes);
    else if (outcome.status == io_status::want_read || outcome.status == io_status::want_write)
      good = co_await connection_.wait_for(outcome.status);
    else
      good = false;
  }
  deadline_.disarm();
  service_content_ = nullptr;
  content_ended_ = good;
  // What follows belongs to the next request; keeping it would need the buffer that the head still
  // uses.
  if (!good || !pending.empty()) keep_alive_ = false;
  if (good) co_return runtime::result<void>{};
  if (content.size() > limits::service_content_bytes)
    co_return error{error_category::too_large, "content_too_large", "request", {}};
  if (timed_out_) co_return error{error_category::timeout, "request_timeout", "request", {}};
  co_return error{error_category::invalid_input, "malformed_content", "request", {}};
}

awaitable<void> http1_connection::pump() {
  while (!exchange_.ended() && !dropped_) {
    if (!content_ended_) take_content();
    // While content is taken its reader notices the end by itself.
    if (!exchange_.ended() && exchange_.watch_user() &&
        (content_ended_ || exchange_.content_room() == 0))
      watch_user();
    if (exchange_.ended()) break;
    watch_session();
    co_await point_.wait();
  }
  if (dropped_) exchange_.user_gone();
}

awaitable<void> http1_connection::finish_output() {
  if (!out_.empty()) {
    flush();
    watch_output();
  }
  while (!out_.empty() && !dropped_)
    co_await point_.wait();
  deadline_.disarm();
  if (in_begin_ == in_end_) {
    release_input();
    out_.release();
  }
}

void http1_connection::watch_output() {
  sent_seen_ = sent_;
  context_.home.timers().arm(
      deadline_, limits::keep_alive_timeout,
      [](void* raw) {
        auto& late = *static_cast<http1_connection*>(raw);
        // A user that reads slowly may take as long as it needs.
        if (late.sent_ == late.sent_seen_)
          late.drop_connection();
        else
          late.watch_output();
      },
      this);
}

awaitable<void> http1_connection::close_gently() {
  if (dropped_) co_return;
  if (!content_ended_) {
    boost::system::error_code ignored;
    SSL_shutdown(connection_.tls());
    connection_.socket().shutdown(runtime::tcp_socket::shutdown_send, ignored);
    context_.home.timers().arm(
        deadline_, linger_time,
        [](void* raw) { static_cast<http1_connection*>(raw)->drop_connection(); }, this);
    std::array<char, 4096> waste{};
    for (size_t total = 0; total < linger_bytes && !dropped_;) {
      const auto outcome =
          ::recv(connection_.socket().native_handle(), waste.data(), waste.size(), MSG_DONTWAIT);
      if (outcome > 0)
        total += static_cast<size_t>(outcome);
      else if (outcome == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ||
               !co_await connection_.wait_readable())
        break;
    }
    deadline_.disarm();
  }
  connection_.shutdown();
}

void http1_connection::send_response(const runtime::http_response& response) {
  if (!content_ended_) keep_alive_ = false;
  const bool bodiless = response_status_ == 204 || response_status_ == 304;
  write_status_line(response_status_);
  for (const auto& field : response) {
    if (field.name() == runtime::http_field::content_length ||
        field.name() == runtime::http_field::connection)
      continue;
    const auto name = field.name_string();
    const auto value = field.value();
    out_.append({name.data(), name.size()})
        .append(": ")
        .append({value.data(), value.size()})
        .append("\r\n");
  }
  if (!bodiless) out_ += "content-length: " + std::to_string(response.body().size()) + "\r\n";
  if (!keep_alive_)
    out_ += "connection: close\r\n";
  else if (http10_)
    out_ += "connection: keep-alive\r\n";
  out_ += "\r\n";
  if (!head_request_ && !bodiless) out_ += response.body();
  wants_flush();
}

}  // namespace postern::edge
