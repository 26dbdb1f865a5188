#include "runtime/http2_callbacks.hpp"

#include "runtime/limits.hpp"

#include <algorithm>
#include <cstring>

namespace postern::runtime {

namespace {

constexpr size_t frame_header_size = 9;
/// Whatever the peer would take: a frame goes out in one piece, and other streams want their turn.
constexpr int64_t largest_frame_sent = 64 * 1024;
static_assert(frame_header_size + largest_frame_sent <= shard::scratch_size);
constexpr size_t field_overhead = 32;  // RFC 9113, section 6.5.2

std::string_view view(const nghttp2_rcbuf* buffer) {
  const auto v = nghttp2_rcbuf_get_buf(const_cast<nghttp2_rcbuf*>(buffer));
  return {reinterpret_cast<const char*>(v.base), v.len};
}

/// A value that never comes again only drives others out of the peer's table (RFC 7541,
/// section 4.4).
bool never_repeats(std::string_view name) noexcept {
  return name == "x-request-id" || name == "traceparent";
}

}  // namespace

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
    const auto queued = stream.out_.size();
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
    std::memcpy(to + frame_header_size, stream.out_.bytes().data(), size);
    s.batch_size_ += frame_header_size + size;
    stream.out_.consume(size);
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
    if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      s.accused_ = true;
      s.accusation_.assign(reinterpret_cast<const char*>(frame->goaway.opaque_data),
                           frame->goaway.opaque_data_len);
    }
    const bool ends = (type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
                      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ends && s.server_ &&
        nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
  }

  /// nghttp2 looks at no PRIORITY once we have said that we use none (RFC 9218, section 2.1), and a
  /// connection has no priority all the same (RFC 9113, section 6.3).
  static int on_begin_frame(nghttp2_session* session, const nghttp2_frame_hd* frame, void*) {
    if (frame->type == NGHTTP2_PRIORITY && frame->stream_id == 0)
      nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
    return 0;
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& s = self(user);
    s.release_incoming();
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    // Our GOAWAY, on its way or not, says of all from here on that nobody has looked at them: the
    // client may send them elsewhere (RFC 9113, section 6.8). nghttp2 drops them as it sends it.
    if (s.leaving_) return 0;
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
    if (s.incoming_.size() >= limits::head_fields + limits::gateway_fields)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
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
      stream.on_head_too_large(s.incoming_);
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
    if (auto* stream = stream_of(session, id)) {
      stream->held_ += size;
      stream->on_content({reinterpret_cast<const char*>(data), size});
    }
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
      nghttp2_session_callbacks_set_on_begin_frame_callback(c, &on_begin_frame);
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

nghttp2_data_provider content_of(http2_stream& stream) {
  return {{.ptr = &stream}, &http2_callbacks::on_read_content};
}

nghttp2_session_callbacks* http2_callback_table() {
  return http2_callbacks::table();
}

}  // namespace postern::runtime
