#pragma once
// HTTP/2 as bytes (RFC 9113), for origins that do what our own sessions never would.

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::test {

struct raw_frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;
};

inline void put_number(std::string& out, uint32_t value, int bytes) {
  while (bytes-- > 0)
    out += static_cast<char>(value >> 8 * bytes & 0xff);
}

inline uint32_t get_number(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes)
    value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

inline std::string bytes_of(const raw_frame& one) {
  std::string out;
  put_number(out, static_cast<uint32_t>(one.payload.size()), 3);
  out += static_cast<char>(one.type);
  out += static_cast<char>(one.flags);
  put_number(out, one.stream, 4);
  return out + one.payload;
}

/// How a server begins.
inline std::string settings_frame() {
  return bytes_of({NGHTTP2_SETTINGS, 0, 0, {}});
}

/// A response head with nothing but a status of three digits.
inline std::string status_frame(uint32_t stream, std::string_view status, bool ended) {
  const int flags = NGHTTP2_FLAG_END_HEADERS | (ended ? NGHTTP2_FLAG_END_STREAM : 0);
  // A literal with an indexed name (RFC 7541, section 6.2.2): the static table's 8 is :status.
  return bytes_of({NGHTTP2_HEADERS, static_cast<uint8_t>(flags), stream,
                   std::string{"\x08\x03"}.append(status)});
}

/// The end of content.
inline std::string end_frame(uint32_t stream) {
  return bytes_of({NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, {}});
}

inline std::string reset_frame(uint32_t stream, uint32_t code) {
  raw_frame one{NGHTTP2_RST_STREAM, 0, stream, {}};
  put_number(one.payload, code, 4);
  return bytes_of(one);
}

/// The complete frames that a client has sent behind its preface.
inline std::vector<raw_frame> frames_of(std::string_view got) {
  std::vector<raw_frame> all;
  got.remove_prefix(std::min<size_t>(got.size(), NGHTTP2_CLIENT_MAGIC_LEN));
  while (got.size() >= 9) {
    const auto size = get_number(got.substr(0, 3));
    if (got.size() < 9 + size) break;
    all.push_back({static_cast<uint8_t>(got[3]), static_cast<uint8_t>(got[4]),
                   get_number(got.substr(5, 4)), std::string{got.substr(9, size)}});
    got.remove_prefix(9 + size);
  }
  return all;
}

inline bool has_head(std::string_view got, uint32_t stream) {
  for (const auto& one : frames_of(got))
    if (one.type == NGHTTP2_HEADERS && one.stream == stream) return true;
  return false;
}

inline std::string content_of(std::string_view got, uint32_t stream) {
  std::string content;
  for (const auto& one : frames_of(got))
    if (one.type == NGHTTP2_DATA && one.stream == stream) content += one.payload;
  return content;
}

inline bool has_ended(std::string_view got, uint32_t stream) {
  for (const auto& one : frames_of(got))
    if ((one.type == NGHTTP2_DATA || one.type == NGHTTP2_HEADERS) && one.stream == stream &&
        (one.flags & NGHTTP2_FLAG_END_STREAM) != 0)
      return true;
  return false;
}

/// The code that a stream was reset with.
inline std::optional<uint32_t> reset_of(std::string_view got, uint32_t stream) {
  for (const auto& one : frames_of(got))
    if (one.type == NGHTTP2_RST_STREAM && one.stream == stream) return get_number(one.payload);
  return {};
}

}  // namespace postern::test
