#pragma once
// Where a stream may be ended so that its client understands: a WebSocket between two frames, by a
// Close frame (RFC 6455, section 5.5.1); server-sent events after a whole event, by the end of the
// response, whereupon a browser connects again by itself. Plain data; who uses it: exchange.

#include "runtime/http_fields.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postern::edge {

enum class stream_kind : uint8_t {
  other,      ///< cannot be ended early: nobody could tell it from the whole
  websocket,  ///< bytes are frames
  events,     ///< text/event-stream, not encoded
};

/// The kind of a response that is not a WebSocket: events only if nobody has encoded them and their
/// length is open.
stream_kind stream_kind_of(const runtime::field_list& response) noexcept;

/// Follows what goes to the client.
class stream_farewell {
 public:
  /// A response begins.
  void begin(stream_kind kind) noexcept { *this = stream_farewell{kind}; }
  stream_kind kind() const noexcept { return kind_; }

  /// Takes note of bytes that go to the client. `until_boundary`: stops behind the first one at
  /// which the stream may be ended. Returns how many it has taken.
  size_t pass(std::string_view piece, bool until_boundary) noexcept;

  /// Whether the stream may be ended here.
  bool at_boundary() const noexcept { return kind_ != stream_kind::other && boundary_; }
  /// The origin has said its last word itself (a Close frame).
  bool closed() const noexcept { return closed_; }

  stream_farewell() = default;

 private:
  explicit stream_farewell(stream_kind kind) noexcept : kind_(kind) {}
  size_t pass_frames(std::string_view piece, bool until_boundary) noexcept;
  size_t pass_events(std::string_view piece, bool until_boundary) noexcept;
  void on_frame_byte(uint8_t byte) noexcept;

  stream_kind kind_ = stream_kind::other;
  bool boundary_ = true;
  bool closed_ = false;
  bool line_empty_ = true;     // events: nothing in this line yet
  bool after_return_ = false;  // events: the last byte was CR
  uint8_t head_bytes_ = 0;     // frames: of the head that have come
  uint8_t head_size_ = 2;      // frames: of the whole head, as far as known
  bool is_close_ = false;      // frames: this one is a Close
  uint64_t payload_left_ = 0;  // frames
};

/// What is said to a WebSocket's client: 1001, "going away" (RFC 6455, section 7.4.1).
inline constexpr std::string_view websocket_farewell{"\x88\x02\x03\xe9", 4};

}  // namespace postern::edge
