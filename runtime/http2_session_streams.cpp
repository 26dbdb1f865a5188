// What a session does for one of its streams.
#include "runtime/http2_callbacks.hpp"
#include "runtime/http2_session.hpp"
#include "runtime/limits.hpp"

#include <algorithm>

namespace postern::runtime {

namespace {

// From here on a session looks for its successor: more ids are left than a turn could use up.
constexpr uint32_t late_ids = 0x7fff'0000;
// A stream that is used again keeps the memory of its queue unless the last message was a large
// one.
constexpr size_t kept_queue = 16 * 1024;

}  // namespace

void http2_session::add(http2_stream& stream, int32_t id) {
  stream.out_ended_ = stream.out_deferred_ = stream.wants_writable_ = stream.has_final_head_ =
      false;
  stream.out_trailers_.clear();
  stream.out_.clear();
  stream.in_window_ = initial_window_;
  stream.in_grown_ = 0;
  stream.held_ = stream.passed_ = 0;
  stream.id_ = id;
  stream.index_ = streams_.size();
  streams_.push_back(&stream);
}

void http2_session::remove(http2_stream& stream) {
  streams_.back()->index_ = stream.index_;
  streams_[stream.index_] = streams_.back();
  streams_.pop_back();
  std::erase(writable_, &stream);
  std::erase(aborted_, &stream);
  grown_ -= std::exchange(stream.in_grown_, 0);
  stream.id_ = -1;
  stream.out_.clear();
  if (stream.out_.capacity() > kept_queue) stream.out_.release();
}

void http2_session::close_streams() {
  while (!streams_.empty()) {
    auto* stream = streams_.back();
    nghttp2_session_set_stream_user_data(session_, stream->id_, nullptr);
    remove(*stream);
    stream->on_closed(connection_lost);
  }
}

void http2_session::notify_writable() {
  while (!writable_.empty()) {
    auto* stream = writable_.back();
    writable_.pop_back();
    if (!stream->wants_writable_ || room(*stream) == 0) continue;
    stream->wants_writable_ = false;
    stream->on_writable();
  }
}

void http2_session::wake_all_writers() {
  for (auto* stream : streams_)
    if (stream->wants_writable_) writable_.push_back(stream);
}

void http2_session::submit_aborts() {
  for (auto* stream : aborted_)
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id_, stream->abort_code_);
  aborted_.clear();
}

result<void> http2_session::submit_request(http2_stream& stream, const field_list& fields,
                                           bool ended) {
  if (closed_ || going_away_)
    return error{error_category::unavailable, "no_stream", "connector", "the tunnel is leaving"};
  const auto& nv = to_nv(fields);
  auto content = content_of(stream);
  const auto id = nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(),
                                         ended ? nullptr : &content, &stream);
  if (id < 0)
    return error{error_category::unavailable, "no_stream", "connector", nghttp2_strerror(id)};
  add(stream, id);
  wants_flush();
  if (nghttp2_session_get_next_stream_id(session_) > late_ids && !ids_run_out_) {
    ids_run_out_ = true;
    // Not now: the owner is in the middle of this request.
    shard_.defer([](void* self) { static_cast<http2_session*>(self)->leave_without_ids(); }, this);
  }
  return {};
}

void http2_session::submit_response(http2_stream& stream, const field_list& fields, bool ended) {
  if (closed_ || stream.id_ < 0) return;
  const auto& nv = to_nv(fields);
  auto content = content_of(stream);
  nghttp2_submit_response(session_, stream.id_, nv.data(), nv.size(), ended ? nullptr : &content);
  wants_flush();
}

void http2_session::submit_interim(http2_stream& stream, const field_list& fields) {
  if (closed_ || stream.id_ < 0) return;
  const auto& nv = to_nv(fields);
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, nv.data(), nv.size(),
                         nullptr);
  wants_flush();
}

void http2_session::resume(http2_stream& stream) {
  if (closed_ || stream.id_ < 0) return;
  if (stream.out_deferred_) {
    stream.out_deferred_ = false;
    nghttp2_session_resume_data(session_, stream.id_);
  }
  wants_flush();
}

void http2_session::write(http2_stream& stream, std::string_view piece) {
  if (stream.id_ < 0) return;
  stream.out_.append(piece);
  resume(stream);
}

void http2_session::commit(http2_stream& stream, size_t filled) {
  stream.out_.commit(filled);
  if (filled > 0) resume(stream);
}

void http2_session::finish(http2_stream& stream,
                           std::vector<std::pair<std::string, std::string>> trailers) {
  if (stream.id_ < 0 || stream.out_ended_) return;
  stream.out_ended_ = true;
  stream.out_trailers_ = std::move(trailers);
  resume(stream);
}

size_t http2_session::room(http2_stream& stream) {
  if (closed_ || stream.id_ < 0) return 0;
  const auto window = std::min(nghttp2_session_get_stream_remote_window_size(session_, stream.id_),
                               nghttp2_session_get_remote_window_size(session_));
  const auto limit = std::min<int64_t>(window, limits::write_high_water);
  const auto used = static_cast<int64_t>(queued(stream));
  if (used < limit) return static_cast<size_t>(limit - used);
  stream.wants_writable_ = true;
  return 0;
}

void http2_session::open_window(http2_stream& stream, uint32_t size) {
  if (closed_ || stream.id_ < 0) return;
  stream.in_window_ = size;
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream.id_,
                                        static_cast<int32_t>(size));
  wants_flush();
}

// A window that is used up while its reader waits is too small for the way's length, or makes both
// sides take turns. A reader that falls behind is not helped by a larger one.
void http2_session::grow_window(http2_stream& stream, size_t consumed) {
  if (stream.held_ > stream.in_window_ / 4) {
    stream.passed_ = 0;
    return;
  }
  stream.passed_ += consumed;
  if (stream.passed_ < stream.in_window_) return;
  stream.passed_ = 0;
  const auto larger = std::min(2 * stream.in_window_, limits::largest_stream_window);
  if (larger <= stream.in_window_ || grown_ + (larger - stream.in_window_) > window_growth_) return;
  grown_ += larger - stream.in_window_;
  stream.in_grown_ += larger - stream.in_window_;
  stream.in_window_ = larger;
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream.id_,
                                        static_cast<int32_t>(larger));
}

void http2_session::consumed(http2_stream& stream, size_t bytes) {
  if (closed_ || stream.id_ < 0 || bytes == 0) return;
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
  stream.held_ -= std::min(stream.held_, bytes);
  grow_window(stream, bytes);
  if (nghttp2_session_want_write(session_) != 0) wants_flush();
}

void http2_session::reset(http2_stream& stream, uint32_t code) {
  if (closed_ || stream.id_ < 0) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, code);
  wants_flush();
}

void http2_session::abort(http2_stream& stream, uint32_t code) {
  if (closed_ || stream.id_ < 0) return;
  stream.abort_code_ = code;
  if (std::find(aborted_.begin(), aborted_.end(), &stream) == aborted_.end())
    aborted_.push_back(&stream);
  wants_flush();
}

}  // namespace postern::runtime
