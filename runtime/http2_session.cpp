#include "runtime/http2_session.hpp"

#include "runtime/limits.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>

namespace postern::runtime {

namespace {

// After this many records of one tunnel the other connections of the shard get their turn.
constexpr int records_per_turn = 32;
constexpr size_t frame_header_size = 9;
/// Whatever the peer would take: a frame goes out in one piece, and other streams want their turn.
constexpr int64_t largest_frame_sent = 64 * 1024;
static_assert(frame_header_size + largest_frame_sent <= shard::scratch_size);
constexpr size_t field_overhead = 32;  // RFC 9113, section 6.5.2
// How often an untrusted peer may split one head (CONTINUATION), and how many settings it may have.
constexpr size_t most_continuations = 8;
constexpr size_t most_settings = 32;
// What has been sent is cut off the front of a stream's queue only when it is worth the move.
constexpr size_t compaction_threshold = 64 * 1024;
// A stream that is used again keeps the memory of its queue unless the last message was a large
// one.
constexpr size_t kept_queue = 16 * 1024;

std::string_view view(const nghttp2_rcbuf* buffer) {
  const auto v = nghttp2_rcbuf_get_buf(const_cast<nghttp2_rcbuf*>(buffer));
  return {reinterpret_cast<const char*>(v.base), v.len};
}

/// A value that never comes again only drives others out of the peer's table (RFC 7541,
/// section 4.4).
bool never_repeats(std::string_view name) noexcept {
  return name == "x-request-id" || name == "traceparent";
}

const std::vector<nghttp2_nv>& to_nv(const field_list& fields) {
  static thread_local std::vector<nghttp2_nv> nv;
  nv.clear();
  for (const auto& f : fields)
    nv.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(f.name.data())),
                  reinterpret_cast<uint8_t*>(const_cast<char*>(f.value.data())), f.name.size(),
                  f.value.size(),
                  static_cast<uint8_t>(never_repeats(f.name) ? NGHTTP2_NV_FLAG_NO_INDEX
                                                             : NGHTTP2_NV_FLAG_NONE)});
  return nv;
}

}  // namespace

/// nghttp2's callbacks, each a few lines that call the session.
struct http2_callbacks {
  static http2_session& self(void* user) { return *static_cast<http2_session*>(user); }
  static http2_stream* stream_of(nghttp2_session* session, int32_t id) {
    return static_cast<http2_stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static ssize_t on_send(nghttp2_session*, const uint8_t* data, size_t size, int, void* user) {
    auto& s = self(user);
    const auto n = std::min(size, s.batch_.size() - s.batch_size_);
    if (n == 0) return NGHTTP2_ERR_WOULDBLOCK;
    std::memcpy(s.batch_.data() + s.batch_size_, data, n);
    s.batch_size_ += n;
    return static_cast<ssize_t>(n);
  }

  static ssize_t on_read_content(nghttp2_session* session, int32_t id, uint8_t*, size_t size,
                                 uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<http2_stream*>(source->ptr);
    const auto queued = stream.out_.size() - stream.out_offset_;
    if (queued == 0 && !stream.out_ended_) {
      stream.out_deferred_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    const auto n = std::min(size, queued);
    if (n == queued && stream.out_ended_) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.out_trailers_.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        field_list trailers;
        for (const auto& [name, value] : stream.out_trailers_)
          trailers.push_back({name, value});
        const auto& nv = to_nv(trailers);
        nghttp2_submit_trailer(session, id, nv.data(), nv.size());
      }
    }
    if (n > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return static_cast<ssize_t>(n);
  }

  static int on_send_content(nghttp2_session*, nghttp2_frame*, const uint8_t* header, size_t size,
                             nghttp2_data_source* source, void* user) {
    auto& s = self(user);
    auto& stream = *static_cast<http2_stream*>(source->ptr);
    if (s.batch_.size() - s.batch_size_ < frame_header_size + size) return NGHTTP2_ERR_WOULDBLOCK;
    auto* to = s.batch_.data() + s.batch_size_;
    std::memcpy(to, header, frame_header_size);
    std::memcpy(to + frame_header_size, stream.out_.data() + stream.out_offset_, size);
    s.batch_size_ += frame_header_size + size;
    stream.out_offset_ += size;
    if (stream.out_offset_ == stream.out_.size()) {
      stream.out_.clear();
      stream.out_offset_ = 0;
    } else if (stream.out_offset_ > compaction_threshold) {
      stream.out_.erase(0, stream.out_offset_);
      stream.out_offset_ = 0;
    }
    if (stream.wants_writable_) s.writable_.push_back(&stream);
    if (s.guard_) s.guard_->on_content_sent();
    stream.on_sent(size);
    return 0;
  }

  /// Whether the peer made us reset the stream.
  static bool is_peers_fault(uint32_t code) noexcept {
    return code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_FLOW_CONTROL_ERROR ||
           code == NGHTTP2_STREAM_CLOSED || code == NGHTTP2_FRAME_SIZE_ERROR ||
           code == NGHTTP2_REFUSED_STREAM || code == NGHTTP2_ENHANCE_YOUR_CALM;
  }

  /// A server that has said everything lets go of what the client still wanted to send (RFC 9113,
  /// section 8.1).
  static int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    const auto type = frame->hd.type;
    auto& s = self(user);
    if (type == NGHTTP2_RST_STREAM && s.guard_ && is_peers_fault(frame->rst_stream.error_code) &&
        !s.guard_->on_reset_sent())
      s.calm_down();
    if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
      s.accusation_.assign(reinterpret_cast<const char*>(frame->goaway.opaque_data),
                           frame->goaway.opaque_data_len);
    const bool ends = (type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
                      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ends && s.server_ &&
        nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& s = self(user);
    s.release_incoming();
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    auto* stream = s.owner_.on_request_stream();
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    s.add(*stream, frame->hd.stream_id);
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name,
                       nghttp2_rcbuf* value, uint8_t, void* user) {
    auto& s = self(user);
    if (s.guard_) {
      // A bomb's fields are references into the table: cheap to pass over (RFC 7541, section 7.3).
      s.incoming_size_ += view(name).size() + view(value).size() + field_overhead;
      if (s.incoming_.size() >= limits::head_fields || s.incoming_size_ > limits::head_bytes)
        s.incoming_too_large_ = true;
      if (s.incoming_too_large_) return 0;
    }
    if (s.incoming_.size() >= limits::head_fields) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_rcbuf_incref(name);
    nghttp2_rcbuf_incref(value);
    s.incoming_storage_.push_back(name);
    s.incoming_storage_.push_back(value);
    s.incoming_.push_back({view(name), view(value)});
    return 0;
  }

  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*,
                               nghttp2_rcbuf*, uint8_t, void* user) {
    return self(user).guard_ ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
  }

  static void on_head(http2_session& s, http2_stream& stream, bool ended) {
    if (s.incoming_too_large_) {
      stream.has_final_head_ = true;
      stream.on_head_too_large();
      return;
    }
    if (stream.has_final_head_) {
      stream.on_trailers(s.incoming_);
      if (ended) stream.on_end();
    } else if (!s.server_ && field_value(s.incoming_, ":status").starts_with('1')) {
      stream.on_interim(s.incoming_);
    } else {
      stream.has_final_head_ = true;
      stream.on_head(s.incoming_, ended);
    }
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& s = self(user);
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    auto* stream = frame->hd.stream_id == 0 ? nullptr : stream_of(session, frame->hd.stream_id);
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (stream) on_head(s, *stream, ended);
        s.release_incoming();
        break;
      case NGHTTP2_DATA:
        if (stream && ended) stream->on_end();
        break;
      case NGHTTP2_WINDOW_UPDATE:
        if (stream && stream->wants_writable_) s.writable_.push_back(stream);
        if (frame->hd.stream_id == 0) s.wake_all_writers();
        break;
      case NGHTTP2_SETTINGS:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK) break;
        s.wake_all_writers();
        s.owner_.on_settings();
        break;
      case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK) s.owner_.on_ping_answer();
        break;
      case NGHTTP2_GOAWAY:
        s.going_away_ = true;
        s.owner_.on_going_away();
        break;
      default:
        break;
    }
    return 0;
  }

  static int on_content(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                        size_t size, void*) {
    // The connection's window is given back at once: it must never be the limit.
    nghttp2_session_consume_connection(session, size);
    if (auto* stream = stream_of(session, id))
      stream->on_content({reinterpret_cast<const char*>(data), size});
    return 0;
  }

  static int on_stream_close(nghttp2_session* session, int32_t id, uint32_t code, void* user) {
    if (auto* stream = stream_of(session, id)) {
      nghttp2_session_set_stream_user_data(session, id, nullptr);
      self(user).remove(*stream);
      stream->on_closed(code);
    }
    return 0;
  }

  /// Built once: nghttp2 copies them into each session.
  static nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* c = nullptr;
      nghttp2_session_callbacks_new(&c);
      nghttp2_session_callbacks_set_send_callback(c, &on_send);
      nghttp2_session_callbacks_set_send_data_callback(c, &on_send_content);
      nghttp2_session_callbacks_set_on_frame_send_callback(c, &on_frame_sent);
      nghttp2_session_callbacks_set_on_begin_headers_callback(c, &on_begin_headers);
      nghttp2_session_callbacks_set_on_header_callback2(c, &on_header);
      nghttp2_session_callbacks_set_on_invalid_header_callback2(c, &on_invalid_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(c, &on_frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, &on_content);
      nghttp2_session_callbacks_set_on_stream_close_callback(c, &on_stream_close);
      nghttp2_session_callbacks_set_data_source_read_length_callback(
          c,
          [](nghttp2_session*, uint8_t, int32_t, int32_t connection_window, int32_t stream_window,
             uint32_t peer_max_frame, void*) -> ssize_t {
            return std::min<int64_t>(
                {connection_window, stream_window, peer_max_frame, largest_frame_sent});
          });
      return c;
    }();
    return callbacks;
  }
};

http2_session::http2_session(shard& home, transport connection, http2_owner& owner,
                             const http2_options& options)
    : shard_(home),
      connection_(std::move(connection)),
      owner_(owner),
      alive_(std::make_shared<bool>(true)),
      server_(options.server) {
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_send_header_block_length(option, 2 * limits::head_bytes);
  nghttp2_option_set_peer_max_concurrent_streams(option, options.max_streams);
  if (options.untrusted) {
    guard_.emplace(std::chrono::steady_clock::now());
    nghttp2_option_set_max_continuations(option, most_continuations);
    nghttp2_option_set_max_settings(option, most_settings);
  }
  if (server_)
    nghttp2_session_server_new2(&session_, http2_callbacks::table(), this, option);
  else
    nghttp2_session_client_new2(&session_, http2_callbacks::table(), this, option);
  nghttp2_option_del(option);
  std::vector<nghttp2_settings_entry> settings{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, server_ ? options.max_streams : 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.initial_window},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options.max_frame},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 2 * limits::head_bytes}};
  if (server_ && options.extended_connect)
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1});
  if (options.untrusted) settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  if (!server_) settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, limits::connection_window);
  wants_flush();
}

http2_session::~http2_session() {
  ensure(streams_.empty(), "streams end before their session");
  shard_.forget(*this);
  release_incoming();
  nghttp2_session_del(session_);
}

void http2_session::release_incoming() {
  incoming_.clear();
  incoming_size_ = 0;
  incoming_too_large_ = false;
  for (auto* buffer : incoming_storage_)
    nghttp2_rcbuf_decref(buffer);
  incoming_storage_.clear();
}

awaitable<error> http2_session::run() {
  auto scratch = shard_.read_scratch();
  while (!closed_) {
    bool drained = false;
    for (int i = 0; i < records_per_turn && !drained && !closed_; ++i) {
      const auto outcome = connection_.try_read(scratch);
      switch (outcome.status) {
        case io_status::done:
          receive(scratch.first(outcome.bytes));
          break;
        case io_status::want_read:
        case io_status::want_write:
          drained = true;
          break;
        case io_status::closed:
          fail({error_category::unavailable, "connection_closed", "connector",
                "the peer closed the connection"});
          break;
        case io_status::failed:
          fail({error_category::unavailable, "connection_failed", "connector", tls_failure_text()});
          break;
      }
    }
    if (closed_) break;
    if (!drained) {
      co_await asio::post(shard_.get_executor(), use_awaitable);
    } else if (!co_await connection_.wait_readable()) {
      fail({error_category::unavailable, "connection_failed", "connector",
            "the connection was closed here"});
    }
  }
  close_streams();
  co_return failure_;
}

bool http2_session::receive(std::span<const char> bytes) {
  if (guard_ && !guard_->on_received(bytes, std::chrono::steady_clock::now())) {
    calm_down();
    flush();
    fail({error_category::overloaded, "http2_flood", "connector", "too many frames without a use"});
    return false;
  }
  const auto taken = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) {
    // The last words (GOAWAY with the code) go out before the connection ends.
    flush();
    fail({error_category::bad_gateway, "http2_protocol", "connector",
          nghttp2_strerror(static_cast<int>(taken))});
    return false;
  }
  owner_.on_heard();
  notify_writable();
  if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0)
    fail({error_category::unavailable, "connection_closed", "connector",
          "both sides have finished"});
  else if (nghttp2_session_want_write(session_) != 0)
    wants_flush();
  return !closed_;
}

void http2_session::calm_down() {
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

bool http2_session::has_ended() const noexcept {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

void http2_session::submit_aborts() {
  for (auto* stream : aborted_)
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id_, stream->abort_code_);
  aborted_.clear();
}

void http2_session::flush() {
  if (closed_ || writing_blocked_) return;
  for (bool more = true; more && !closed_ && !writing_blocked_;) {
    batch_ = shard_.write_scratch();
    batch_size_ = 0;
    const auto outcome = nghttp2_session_send(session_);
    const auto filled = std::span<const char>{batch_.data(), batch_size_};
    batch_ = {};
    if (outcome != 0)
      return fail({error_category::internal, "http2_send", "connector", nghttp2_strerror(outcome)});
    if (!filled.empty() && !write_out(filled)) return;
    notify_writable();
    more = !filled.empty() && nghttp2_session_want_write(session_) != 0;
    if (!more && !aborted_.empty()) {
      submit_aborts();
      more = true;
    }
  }
  // nghttp2 answers a broken protocol with GOAWAY and is deaf from then on: do not wait for such a
  // peer to leave.
  if (!closed_ && !writing_blocked_ && !leaving_ && !going_away_ && has_ended())
    fail({error_category::bad_gateway, "http2_protocol", "connector",
          "the peer broke the protocol: " + accusation_});
}

bool http2_session::write_out(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const auto outcome = connection_.try_write(bytes);
    switch (outcome.status) {
      case io_status::done:
        bytes = bytes.subspan(outcome.bytes);
        break;
      case io_status::want_read:
      case io_status::want_write:
        unsent_.append(bytes.data(), bytes.size());
        wait_until_writable();
        return false;
      default:
        fail({error_category::unavailable, "connection_failed", "connector", tls_failure_text()});
        return false;
    }
  }
  return true;
}

void http2_session::wait_until_writable() {
  writing_blocked_ = true;
  connection_.socket().async_wait(
      tcp_socket::wait_write,
      [this, alive = std::weak_ptr<bool>{alive_}](const boost::system::error_code& failure) {
        if (alive.expired() || closed_ || failure) return;
        writing_blocked_ = false;
        std::string pending;
        pending.swap(unsent_);
        if (write_out(pending)) wants_flush();
      });
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

void http2_session::add(http2_stream& stream, int32_t id) {
  stream.out_ended_ = stream.out_deferred_ = stream.wants_writable_ = stream.has_final_head_ =
      false;
  stream.out_trailers_.clear();
  stream.out_.clear();
  stream.out_offset_ = 0;
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
  stream.id_ = -1;
  stream.out_offset_ = 0;
  stream.out_.clear();
  if (stream.out_.capacity() > kept_queue) stream.out_.shrink_to_fit();
}

void http2_session::close_streams() {
  while (!streams_.empty()) {
    auto* stream = streams_.back();
    nghttp2_session_set_stream_user_data(session_, stream->id_, nullptr);
    remove(*stream);
    stream->on_closed(connection_lost);
  }
}

void http2_session::fail(error why) {
  if (closed_) return;
  closed_ = true;
  failure_ = std::move(why);
  connection_.shutdown();
}

void http2_session::close() {
  fail({error_category::unavailable, "connection_closed", "connector", "closed here"});
}

result<void> http2_session::submit_request(http2_stream& stream, const field_list& fields,
                                           bool ended) {
  if (closed_ || going_away_)
    return error{error_category::unavailable, "no_stream", "connector", "the tunnel is leaving"};
  const auto& nv = to_nv(fields);
  nghttp2_data_provider content{{.ptr = &stream}, &http2_callbacks::on_read_content};
  const auto id = nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(),
                                         ended ? nullptr : &content, &stream);
  if (id < 0)
    return error{error_category::unavailable, "no_stream", "connector", nghttp2_strerror(id)};
  add(stream, id);
  wants_flush();
  return {};
}

void http2_session::submit_response(http2_stream& stream, const field_list& fields, bool ended) {
  if (closed_ || stream.id_ < 0) return;
  const auto& nv = to_nv(fields);
  nghttp2_data_provider content{{.ptr = &stream}, &http2_callbacks::on_read_content};
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

char* http2_session::prepare(http2_stream& stream, size_t size) {
  const auto before = stream.out_.size();
  stream.out_.resize(before + size);
  return stream.out_.data() + before;
}

void http2_session::commit(http2_stream& stream, size_t prepared, size_t filled) {
  stream.out_.resize(stream.out_.size() - prepared + filled);
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
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, stream.id_,
                                        static_cast<int32_t>(size));
  wants_flush();
}

void http2_session::consumed(http2_stream& stream, size_t bytes) {
  if (closed_ || stream.id_ < 0 || bytes == 0) return;
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
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

void http2_session::ping() {
  if (closed_) return;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  wants_flush();
}

void http2_session::announce_end() {
  if (closed_ || leaving_) return;
  nghttp2_submit_shutdown_notice(session_);
  wants_flush();
}

void http2_session::go_away() {
  if (closed_) return;
  leaving_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  wants_flush();
}

uint32_t http2_session::peer_max_streams() const noexcept {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool http2_session::peer_allows_extended_connect() const noexcept {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) !=
         0;
}

}  // namespace postern::runtime
