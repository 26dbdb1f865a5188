#include "edge/http2_request.hpp"

#include "edge/node_load.hpp"
#include "runtime/limits.hpp"

namespace postern::edge {

namespace limits = runtime::limits;
using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::field_list;

http2_request::http2_request(http2_connection& connection)
    : user_request(connection.context(), connection.gate(), connection.service()),
      connection_(connection),
      begin_(connection.context().home),
      point_(connection.context().home) {
  if (connection.is_brief()) serve_service_only();
}

http2_request::~http2_request() = default;

void http2_request::assign() {
  runtime::ensure(state_ == state::resting, "a request is used by one stream at a time");
  state_ = state::assigned;
  closed_ = head_too_large_ = head_request_ = mute_ = has_content_ = content_ended_ =
      content_begun_ = content_passed_ = owes_continue_ = window_raised_ = false;
  trailers_.clear();
  sent_ = sent_seen_ = 0;
}

std::shared_ptr<const void> http2_request::hold() {
  // Both: a connection lets go of requests that it does not need, and they refer to it.
  using both = std::pair<std::shared_ptr<http2_connection>, std::shared_ptr<http2_request>>;
  return std::make_shared<both>(connection_.shared_from_this(), shared_from_this());
}

void http2_request::quit() {
  quitting_ = true;
  begin_.wake();
}

// -- what the user says
// ---------------------------------------------------------------------------

void http2_request::keep_head(const field_list& fields) {
  size_t size = 0;
  for (const auto& f : fields)
    size += f.name.size() + f.value.size();
  head_.clear();
  head_.reserve(size);
  fields_.clear();
  const auto keep = [this](std::string_view text) {
    const auto at = head_.size();
    head_.append(text);
    return std::string_view{head_.data() + at, text.size()};
  };
  for (const auto& f : fields) {
    const auto name = keep(f.name);
    fields_.push_back({name, keep(f.value)});
  }
}

void http2_request::on_head(const field_list& fields, bool end_of_stream) {
  connection_.on_head_complete();
  keep_head(fields);
  content_ended_ = end_of_stream;
  has_content_ = !end_of_stream;
  state_ = state::serving;
  begin_.wake();
}

void http2_request::on_head_too_large(const field_list& kept) {
  if (state_ != state::assigned) return cut();  // trailers
  connection_.on_head_complete();
  keep_head(kept);
  head_too_large_ = has_content_ = true;
  state_ = state::serving;
  begin_.wake();
}

void http2_request::on_content(std::string_view piece) {
  if (state_ != state::serving) return;  // nobody wants it: the window stays as it is
  if (whole_ != nullptr) {
    if (whole_->size() <= limits::service_content_bytes) whole_->append(piece);
    session().consumed(*this, piece.size());
    return point_.wake();
  }
  if (content_.empty()) piece.remove_prefix(pass_on(piece));
  content_.append(piece);
}

void http2_request::on_trailers(const field_list& fields) {
  for (const auto& f : fields)
    if (!is_reserved_request_field(f.name)) trailers_.emplace_back(f.name, f.value);
}

void http2_request::on_end() {
  content_ended_ = true;
  if (state_ != state::serving) return;
  if (whole_ != nullptr) return point_.wake();
  take_content();
}

void http2_request::on_sent(size_t bytes) {
  sent_ += bytes;
  connection_.on_sent(bytes);
  exchange_.on_sent(bytes);
}

void http2_request::on_closed(uint32_t) {
  closed_ = true;
  if (state_ == state::assigned) {
    connection_.on_head_complete();
    state_ = state::resting;
    return connection_.release(*this);
  }
  exchange_.user_gone();
  point_.wake();
}

// -- serving
// ---------------------------------------------------------------------------------------

awaitable<void> http2_request::run() {
  for (;;) {
    co_await begin_.wait();
    if (quitting_) co_return;
    co_await serve_next();
    co_await wait_for_end();
    state_ = state::resting;
    connection_.release(*this);
  }
}

awaitable<void> http2_request::serve_next() {
  if (closed_) co_return;  // reset in the same breath
  const counted running{context_.load->exchanges};
  begin(connection_.client_address());
  // Before anything can be refused: the answer to HEAD has no content, whatever it says.
  head_request_ = runtime::field_value(fields_, ":method") == "HEAD";
  if (head_too_large_)
    refuse({error_category::too_large, "head_too_large", "request", {}});
  else
    co_await serve_checked();
  write_access_log();
}

awaitable<void> http2_request::serve_checked() {
  const auto checked = check_http2_request(fields_, has_content_);
  if (!checked) co_return refuse(checked.error());
  owes_continue_ = checked->expects_continue;
  if (!connection_.covers(checked->host))
    co_return refuse({error_category::invalid_input, "misdirected", "request",
                      "the connection was not made for " + std::string{checked->host}});
  if (checked->websocket) make_websocket_key();
  if (!session_ && connection_.last_session())
    session_ = std::make_unique<opened_session>(*connection_.last_session());
  co_await serve(*checked, fields_);
  if (session_) connection_.remember(*session_);
}

awaitable<runtime::result<void>> http2_request::read_content(const checked_request&,
                                                             std::string& into) {
  if (const auto come = content_.bytes(); !come.empty()) {
    into.assign(come.data(), come.size());
    session().consumed(*this, come.size());
    content_.clear();
  }
  if (owes_continue_ && !content_ended_) send_interim(100, {});
  whole_ = &into;
  context_.home.timers().arm(
      deadline_, limits::service_content_timeout,
      [](void* raw) { static_cast<http2_request*>(raw)->point_.wake(); }, this);
  while (!content_ended_ && !closed_ && deadline_.armed() &&
         into.size() <= limits::service_content_bytes)
    co_await point_.wait();
  const bool late = !deadline_.armed();
  deadline_.disarm();
  whole_ = nullptr;
  if (into.size() > limits::service_content_bytes)
    co_return error{error_category::too_large, "content_too_large", "request", {}};
  if (content_ended_) co_return runtime::result<void>{};
  if (late) co_return error{error_category::timeout, "request_timeout", "request", {}};
  co_return error{error_category::invalid_input, "malformed_content", "request", "the user left"};
}

awaitable<void> http2_request::pump() {
  content_begun_ = content_passed_ = false;
  while (!exchange_.ended() && !closed_) {
    take_content();
    if (exchange_.ended()) break;
    watch_session();
    co_await point_.wait();
  }
  if (closed_) exchange_.user_gone();
}

size_t http2_request::pass_on(std::string_view piece) {
  size_t passed = 0;
  for (size_t room; passed < piece.size() && (room = exchange_.content_room()) > 0;) {
    const auto part = piece.substr(passed, room);
    exchange_.content(part);
    passed += part.size();
  }
  if (passed == 0) return 0;
  content_begun_ = true;
  if (!window_raised_ && !content_ended_) {
    window_raised_ = true;
    session().open_window(*this, limits::stream_window);
  }
  session().consumed(*this, passed);
  return passed;
}

void http2_request::take_content() {
  const auto now = exchange_.current();
  if (now != exchange::state::requested && now != exchange::state::responding) return;
  if (owes_continue_ && !content_ended_ && exchange_.content_room() > 0) {
    // The connector has asked for the content, whether the origin said 100 or began to read without
    // a word.
    send_interim(100, {});
  }
  const auto waiting = content_.bytes();
  content_.consume(pass_on({waiting.data(), waiting.size()}));
  if (!content_.empty() || !content_ended_ || content_passed_ || !has_content_) return;
  // Without content the end alone is what the connector asks for.
  if (!content_begun_ && exchange_.content_room() == 0) return;
  content_passed_ = true;
  exchange_.content_end(trailers_);
}

void http2_request::wake() {
  take_content();
  if (exchange_.ended() || exchange_.watch_user()) point_.wake();
}

void http2_request::cut() {
  session().abort(*this, NGHTTP2_INTERNAL_ERROR);
}

// -- the end
// ---------------------------------------------------------------------------------------

awaitable<void> http2_request::wait_for_end() {
  state_ = state::answered;
  content_.release();
  while (!closed_) {
    if (!deadline_.armed()) {
      sent_seen_ = sent_;
      all_seen_ = connection_.sent();
      context_.home.timers().arm(
          deadline_, limits::keep_alive_timeout,
          [](void* raw) { static_cast<http2_request*>(raw)->on_late(); }, this);
    }
    co_await point_.wait();
  }
  deadline_.disarm();
}

void http2_request::on_late() {
  if (sent_ == sent_seen_) {
    // The user takes nothing of this any more. Whoever takes nothing at all would take no reset
    // either.
    if (session().write_blocked() && connection_.sent() == all_seen_)
      session().close();
    else
      session().reset(*this, NGHTTP2_CANCEL);
  }
  point_.wake();
}

}  // namespace postern::edge
