#include "edge/stream_farewell.hpp"

#include <algorithm>

namespace postern::edge {

stream_kind stream_kind_of(const runtime::field_list& response) noexcept {
  const auto type = runtime::field_value(response, "content-type");
  const bool events =
      runtime::iequals(runtime::trim(type.substr(0, type.find(';'))), "text/event-stream");
  const bool open = runtime::find_field(response, "content-encoding") == nullptr &&
                    runtime::find_field(response, "content-length") == nullptr;
  return events && open ? stream_kind::events : stream_kind::other;
}

size_t stream_farewell::pass(std::string_view piece, bool until_boundary) noexcept {
  switch (kind_) {
    case stream_kind::websocket:
      return pass_frames(piece, until_boundary);
    case stream_kind::events:
      return pass_events(piece, until_boundary);
    case stream_kind::other:
      break;
  }
  return piece.size();
}

size_t stream_farewell::pass_frames(std::string_view piece, bool until_boundary) noexcept {
  size_t at = 0;
  while (at < piece.size()) {
    if (head_bytes_ < head_size_) {
      on_frame_byte(static_cast<uint8_t>(piece[at++]));
    } else {
      const auto n = std::min<uint64_t>(piece.size() - at, payload_left_);
      payload_left_ -= n;
      at += static_cast<size_t>(n);
    }
    boundary_ = head_bytes_ == head_size_ && payload_left_ == 0;
    if (!boundary_) continue;
    closed_ = closed_ || is_close_;
    head_bytes_ = 0;
    head_size_ = 2;
    if (until_boundary) return at;
  }
  return at;
}

void stream_farewell::on_frame_byte(uint8_t byte) noexcept {
  constexpr uint8_t opcode = 0x0f, close_frame = 0x8, masked = 0x80, length = 0x7f;
  constexpr uint8_t two_more = 126, eight_more = 127, mask_size = 4;
  const auto index = head_bytes_++;
  if (index == 0) {
    is_close_ = (byte & opcode) == close_frame;
    return;
  }
  if (index == 1) {
    const uint8_t size = byte & length;
    if ((byte & masked) != 0) head_size_ += mask_size;
    if (size == two_more) head_size_ += 2;
    if (size == eight_more) head_size_ += 8;
    payload_left_ = size < two_more ? size : 0;
    return;
  }
  // The length comes before the mask, which is of no interest.
  const bool has_mask = head_size_ == 6 || head_size_ == 8 || head_size_ == 14;
  if (index < head_size_ - (has_mask ? mask_size : 0)) payload_left_ = payload_left_ << 8 | byte;
}

size_t stream_farewell::pass_events(std::string_view piece, bool until_boundary) noexcept {
  for (size_t at = 0; at < piece.size(); ++at) {
    const char c = piece[at];
    // CR LF is one end of a line.
    const bool second_half = c == '\n' && after_return_;
    after_return_ = c == '\r';
    if (second_half) continue;
    const bool line_ends = c == '\n' || c == '\r';
    boundary_ = line_ends && line_empty_;
    line_empty_ = line_ends;
    if (boundary_ && until_boundary) return at + 1;
  }
  return piece.size();
}

}  // namespace postern::edge
