// An exchange whose origin speaks HTTP/2: one stream of a shared connection. Content goes from one
// session's queue into the other's as far as that has room; so windows reach from end to end.

#include "connector/limits.hpp"
#include "connector/origin_exchange.hpp"

#include <algorithm>
#include <charconv>

namespace postern::connector {

using runtime::awaitable;
using runtime::field_list;

namespace {

unsigned status_of(const field_list& fields) {
  const auto text = runtime::field_value(fields, ":status");
  unsigned status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status;
}

}  // namespace

bool origin_exchange::keep_http2_head(const field_list& fields, bool ended) {
  fields_.clear();
  const auto traits = select_request_fields(fields, ended, fields_);
  if (!traits) return false;
  traits_ = *traits;
  fields_sent_.assign(fields_.size(), {});
  for (size_t i = 0; i < fields_.size(); ++i)
    fields_sent_[i] = {std::string{fields_[i].name}, std::string{fields_[i].value}};
  head_ = std::string{runtime::field_value(fields, ":method")} + ' ' +
          std::string{runtime::field_value(fields, ":path")} + " HTTP/2\r\n";
  return true;
}

awaitable<void> origin_exchange::serve_http2() {
  for (attempts_ = 1;; ++attempts_) {
    const auto on = co_await connect_http2();
    if (!on) co_return;
    if (contentless_ && !request_ended_ && !co_await pass_fence()) co_return;
    if (!traits_.idempotent && !announced_ && !co_await announce_start()) co_return;
    if (!may_start()) co_return;
    if (!open_stream(on)) {
      // It ended while the start was announced; nothing has been sent.
      if (attempts_ < limits::http2_attempts) continue;
      co_return fail(502, "origin_closed", "every connection ended at once");
    }
    if (!co_await follow_stream()) co_return;
    move(state::connecting);
  }
}

awaitable<std::shared_ptr<http2_origin>> origin_exchange::connect_http2() {
  auto& all = context_.multiplexed;
  // Others who waited may have taken all the room of the first ones.
  for (unsigned dials = 0; dials < limits::http2_connections + limits::http2_attempts; ++dials) {
    reused_ = dials == 0;
    if (auto found = all.find(origin_->id)) co_return found;
    const auto dial = all.dial(origins_, *origin_);
    dial->waiting.push_back(&signal_);
    while (!dial->done && !gone())
      co_await signal_.wait();
    std::erase(dial->waiting, &signal_);
    if (gone()) co_return nullptr;
    if (dial->failure.category == runtime::error_category::none) continue;
    fail_dial(dial->failure);
    co_return nullptr;
  }
  fail(502, "origin_closed", "every connection ended at once");
  co_return nullptr;
}

bool origin_exchange::open_stream(std::shared_ptr<http2_origin> on) {
  fields_.clear();
  for (const auto& [name, value] : fields_sent_)
    fields_.push_back({name, value});
  const bool ended = request_ended_ && request_trailers_.empty() && held_content_.empty();
  stream_end_.reset();
  unconsumed_ = 0;
  response_trailers_.clear();
  stream_ = origin_stream::open(std::move(on), *this, fields_, ended);
  if (stream_ == nullptr) return false;
  move(state::requesting);
  send_held();
  if (request_ended_ && !ended && !holding_) stream_->send_end(request_trailers_);
  if (traits_.expects_continue)
    context_.home.timers().arm(
        patience_, limits::continue_patience,
        [](void* self) { static_cast<origin_exchange*>(self)->ask_for_content(); }, this);
  else
    open_window();
  touch();
  return true;
}

/// Waits for the stream's end; true: try again on another connection.
awaitable<bool> origin_exchange::follow_stream() {
  while (!gone() && state_ != state::finished && !stream_end_ && !late_)
    co_await signal_.wait();
  if (gone() || state_ == state::finished) co_return false;
  if (stream_end_ && may_repeat(*stream_end_)) {
    deadline_.disarm();
    patience_.disarm();
    co_return true;
  }
  co_await let_go_out();
  // The response may have ended meanwhile, well after all.
  if (gone() || state_ == state::finished) co_return false;
  if (late_) {
    // A connection on which nothing has arrived since may be dead: others should not wait on it.
    if (stream_) leave_stream(stream_->is_silent());
    fail(504, "origin_timeout",
         state_ == state::responding ? "no content in time" : "no response in time");
  } else {
    fail(502, cause_of_end(*stream_end_),
         "the stream ended with code " + std::to_string(*stream_end_));
  }
  co_return false;
}

bool origin_exchange::may_repeat(uint32_t code) const noexcept {
  if (state_ != state::requesting || content_sent_ || attempts_ >= limits::http2_attempts)
    return false;
  // REFUSED_STREAM, also for what a GOAWAY leaves out: the origin has not acted on it (RFC 9113,
  // section 8.7).
  if (code == NGHTTP2_REFUSED_STREAM) return true;
  return code == runtime::connection_lost && reused_ && traits_.idempotent;
}

std::string_view origin_exchange::cause_of_end(uint32_t code) const noexcept {
  if (code == NGHTTP2_HTTP_1_1_REQUIRED) return "origin_protocol";
  return code == NGHTTP2_PROTOCOL_ERROR ? "origin_malformed" : "origin_closed";
}

// -- what the origin says
// -------------------------------------------------------------------------------

void origin_exchange::on_origin_interim(const field_list& fields) {
  if (++interim_responses_ > limits::interim_responses) {
    fail(502, "origin_malformed", "too many interim responses");
    return signal_.wake();
  }
  on_interim_response(status_of(fields), fields);
}

void origin_exchange::on_origin_head(const field_list& fields, bool ended) {
  move(state::responding);
  status_ = status_of(fields);
  fields_.assign({{":status", runtime::field_value(fields, ":status")}});
  select_response_fields(fields, status_, fields_);
  fields_.push_back(via_of("2"));
  session().submit_response(*this, fields_, ended);
  if (status_ >= 300) patience_.disarm();
  touch();
  if (ended) on_origin_end();
}

void origin_exchange::on_origin_content(std::string_view piece) {
  unconsumed_ += piece.size();
  session().write(*this, piece);
  pass_window_on();
  touch();
}

void origin_exchange::pass_window_on() {
  // Once the tunnel's queue is full, on_writable() comes when it has room again.
  if (unconsumed_ == 0 || session().room(*this) == 0) return;
  stream_->consumed(std::exchange(unconsumed_, 0));
}

void origin_exchange::on_origin_trailers(const field_list& fields) {
  for (const auto& [name, value] : fields)
    if (is_trailer(name)) response_trailers_.emplace_back(name, value);
}

void origin_exchange::on_origin_end() {
  session().finish(*this, std::exchange(response_trailers_, {}));
  deadline_.disarm();
  patience_.disarm();
  leave_stream();
  move(state::finished);
  log_end("completed");
  signal_.wake();
}

void origin_exchange::on_origin_closed(uint32_t code) {
  content_sent_ = stream_->has_sent_content();
  stream_ = nullptr;
  stream_end_ = code;
  signal_.wake();
}

void origin_exchange::leave_stream(bool retire) {
  if (auto* stream = std::exchange(stream_, nullptr)) stream->release(retire);
}

}  // namespace postern::connector
