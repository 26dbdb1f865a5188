// The stream's side of an exchange: what the node says, and how an exchange ends.

#include "connector/limits.hpp"
#include "connector/origin_exchange.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <array>

namespace postern::connector {

using runtime::field_list;

origin_exchange::origin_exchange(exchange_context& context, exchange_pool& pool)
    : context_(context),
      pool_(pool),
      sender_(context.home, *this),
      response_(*this),
      begin_(context.home),
      signal_(context.home) {}

void origin_exchange::assign(exchange_host& host) {
  move(state::assigned);
  host_ = &host;
  head_.clear();
}

// -- what the node says
// -------------------------------------------------------------------------------

void origin_exchange::on_head(const field_list& fields, bool end_of_stream) {
  application_ = runtime::field_value(fields, "postern-application");
  request_id_ = runtime::field_value(fields, "x-request-id");
  request_trailers_.clear();
  held_content_.clear();
  request_ended_ = end_of_stream;
  window_open_ = announced_ = late_ = holding_ = false;
  status_ = interim_responses_ = 0;
  move(state::connecting);
  if (const auto node = runtime::field_value(fields, "postern-node"); !node.empty())
    return take_summons(node);
  contentless_ = !end_of_stream && runtime::field_value(fields, "postern-content") == "none";
  const bool ended = end_of_stream || contentless_;
  origins_ = context_.origins;
  origin_ = origins_->find(application_);
  over_http2_ =
      origin_ && origin_->protocol != config::origin_protocol_kind::http1 && !is_websocket(fields);
  if (over_http2_ ? !keep_http2_head(fields, ended) : !keep_http1_head(fields, ended)) {
    session().reset(*this, NGHTTP2_PROTOCOL_ERROR);
    return move(state::finished);
  }
  // A WebSocket's opening is a GET: harmless until its 101, and nothing else is started before.
  if (!host_->lease_holds()) return refuse();
  serving_ = true;
  begin_.wake();
}

// Rule 13: no exchange, but a word to the connector.
void origin_exchange::take_summons(std::string_view node) {
  if (context_.on_summons) context_.on_summons(node);
  fields_.assign({{":status", "204"}});
  session().submit_response(*this, fields_, true);
  move(state::finished);
}

bool origin_exchange::keep_http1_head(const field_list& fields, bool ended) {
  const auto traits = write_request_head(fields, ended, head_);
  if (traits) traits_ = *traits;
  return traits.has_value();
}

void origin_exchange::on_content(std::string_view piece) {
  // What cannot go on any more is not consumed either: the node stops sending.
  if (gone() || state_ == state::finished || contentless_) return;
  // Between two tries the window was opened by the first. Over HTTP/2 the next one may still be to
  // come when the stream of the last is already gone.
  if (!is_at_origin() || (over_http2_ && !stream_) || must_hold()) {
    held_content_ += piece;
    return;
  }
  if (stream_)
    stream_->send_content(piece);
  else if (const auto left = sender_.send_content(piece); left > 0)
    session().consumed(*this, left);
  touch();
}

void origin_exchange::on_trailers(const field_list& fields) {
  for (const auto& [name, value] : fields)
    if (is_trailer(name)) request_trailers_.emplace_back(name, value);
}

void origin_exchange::on_end() {
  request_ended_ = true;
  if (state_ == state::fenced) return signal_.wake();
  if (!is_at_origin()) return;
  if (must_hold()) return;
  if (stream_)
    stream_->send_end(request_trailers_);
  else
    sender_.send_end(request_trailers_);
  touch();
}

bool origin_exchange::must_hold() {
  if (holding_) return true;
  if (traits_.idempotent || traits_.websocket || host_->lease_holds()) return false;
  holding_ = true;
  context_.home.timers().arm(
      lease_, limits::lease_poll,
      [](void* self) { static_cast<origin_exchange*>(self)->go_on_if_lease_holds(); }, this);
  return true;
}

void origin_exchange::go_on_if_lease_holds() {
  // Between two tries the next one sends what is held.
  if (gone() || !holding_ || !is_at_origin()) return;
  send_held();
  if (request_ended_ && !holding_) on_end();
}

void origin_exchange::on_writable() {
  if (stream_)
    pass_window_on();
  else
    signal_.wake();
}

void origin_exchange::on_origin_took(size_t content) {
  if (gone()) return;
  session().consumed(*this, content);
  touch();
}

void origin_exchange::ask_for_content() {
  if (gone() || window_open_ || request_ended_) return;
  // In the origin's place, which may not know the expectation.
  fields_.assign({{":status", "100"}});
  session().submit_interim(*this, fields_);
  open_window();
}

void origin_exchange::open_window() {
  if (gone() || window_open_ || request_ended_) return;
  window_open_ = true;
  patience_.disarm();
  session().open_window(*this, runtime::limits::stream_window);
}

// -- time
// -----------------------------------------------------------------------------------------------

bool origin_exchange::waits_for_user() const noexcept {
  if (request_ended_ || !window_open_) return false;
  return stream_ ? stream_->is_idle() : sender_.is_idle() && !sender_.has_failed();
}

void origin_exchange::touch() {
  if (!connection_ && !stream_) return;
  auto patience = origin_->idle_timeout;
  if (state_ != state::responding && !waits_for_user())
    patience = std::min(patience, origin_->response_timeout);
  context_.home.timers().arm(
      deadline_, patience, [](void* self) { static_cast<origin_exchange*>(self)->on_deadline(); },
      this);
}

void origin_exchange::on_deadline() {
  late_ = true;
  if (connection_) connection_->close();
  signal_.wake();
}

// -- ends
// -----------------------------------------------------------------------------------------------

void origin_exchange::on_closed(uint32_t code) {
  if (state_ != state::finished) {
    log_end(code == runtime::connection_lost ? "tunnel lost" : "aborted by the user");
    move(state::finished);
  }
  auto& host = *host_;
  host_ = nullptr;
  close_connection();
  signal_.wake();
  if (!serving_) go_back();
  host.on_exchange_closed();
}

void origin_exchange::fail(unsigned status, std::string_view cause, std::string_view detail) {
  runtime::log_event(spdlog::level::warn, "exchange failed",
                     {{"request_id", request_id_},
                      {"application", application_},
                      {"cause", cause},
                      {"detail", detail}});
  close_connection();
  if (state_ == state::responding) {
    session().reset(*this, NGHTTP2_INTERNAL_ERROR);
  } else {
    std::array<char, 3> digits{'5', '0', static_cast<char>('0' + status % 10)};
    fields_.assign({{":status", {digits.data(), digits.size()}}, {"postern-error", cause}});
    session().submit_response(*this, fields_, true);
  }
  move(state::finished);
}

void origin_exchange::refuse() {
  runtime::log_event(spdlog::level::warn, "exchange refused: the tunnel was silent for too long",
                     {{"request_id", request_id_}, {"application", application_}});
  close_connection();
  session().reset(*this, NGHTTP2_REFUSED_STREAM);
  move(state::finished);
}

void origin_exchange::close_connection() {
  sender_.stop();
  deadline_.disarm();
  patience_.disarm();
  leave_stream();
  // The coroutine may wait on it: the object stays until that has returned.
  if (connection_) connection_->abort();
}

void origin_exchange::end_service() {
  serving_ = false;
  connection_.reset();
  origins_.reset();
  origin_ = nullptr;
  if (gone()) go_back();
}

void origin_exchange::go_back() {
  move(state::idle);
  pool_.release(*this);
}

void origin_exchange::move(state next) {
  const auto legal = [&] {
    switch (state_) {
      case state::idle:
        return next == state::assigned;
      case state::assigned:
        return next == state::connecting || next == state::finished;
      case state::connecting:
        return next == state::fenced || next == state::announcing || next == state::requesting ||
               next == state::finished;
      case state::fenced:
        return next == state::announcing || next == state::requesting || next == state::finished;
      case state::announcing:
        return next == state::requesting || next == state::finished;
      case state::requesting:
        return next == state::responding || next == state::connecting || next == state::finished;
      case state::responding:
        return next == state::finished;
      case state::finished:
        return next == state::idle;
    }
    return false;
  };
  runtime::ensure(legal(), "an exchange makes only legal transitions");
  state_ = next;
}

void origin_exchange::log_end(std::string_view result) const {
  if (!context_.log_exchanges || !spdlog::should_log(spdlog::level::debug)) return;
  const auto line = head_.substr(0, head_.find("\r\n"));
  runtime::log_event(spdlog::level::debug, "exchange",
                     {{"request_id", request_id_},
                      {"application", application_},
                      {"request", line},
                      {"status", status_ == 0 ? std::string{} : std::to_string(status_)},
                      {"result", result}});
}

// -- the pool
// -------------------------------------------------------------------------------------------

origin_exchange& exchange_pool::acquire(exchange_host& host) {
  if (free_.empty()) {
    all_.push_back(std::make_unique<origin_exchange>(context_, *this));
    auto& fresh = *all_.back();
    runtime::asio::co_spawn(context_.home.get_executor(), fresh.run(), runtime::asio::detached);
    free_.push_back(&fresh);
  }
  auto& one = *free_.back();
  free_.pop_back();
  one.assign(host);
  return one;
}

void exchange_pool::release(origin_exchange& one) {
  free_.push_back(&one);
}

void exchange_pool::close() {
  for (auto& one : all_)
    one->quit();
}

void origin_exchange::quit() {
  quitting_ = true;
  begin_.wake();
}

}  // namespace postern::connector
