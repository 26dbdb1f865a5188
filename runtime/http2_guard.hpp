#pragma once
// Bounds the work that an HTTP/2 peer can make without sending requests that are worth it: floods
// of PING, SETTINGS, empty frames, resets (RFC 9113, section 10.5). Sees the bytes before nghttp2
// does, so that no kind of frame is forgotten.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace postern::runtime {

/// A purse: useless frames take out of it; time, and content that is worth something, fill it up.
/// One per connection.
class http2_guard {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit http2_guard(time_point now) noexcept : filled_at_(now) {}

  /// Everything that a client sends, from its preface on, in any pieces. False: it has sent more
  /// than a good client ever would; end the connection with ENHANCE_YOUR_CALM.
  bool on_received(std::span<const char> bytes, time_point now) noexcept;

  /// We had to reset a stream because of what the peer did: it can make us do so without sending a
  /// RST_STREAM itself ("MadeYouReset", CVE-2025-8671). False as above.
  bool on_reset_sent() noexcept { return take(reset_sent_price); }

  /// A frame with content went out: the peer will answer with WINDOW_UPDATEs.
  void on_content_sent() noexcept { give(content_sent_gain); }

  /// In the purse at the start, and at most.
  static constexpr int64_t capacity = 10'000;
  static constexpr int64_t gain_per_second = 330;
  /// PING, SETTINGS, PRIORITY, unknown frames, empty DATA, CONTINUATION: a thousand in a burst,
  /// thirty a second for ever. Also RST_STREAM: a page that is left cancels some hundred requests
  /// ("rapid reset", CVE-2023-44487).
  static constexpr int64_t useless_price = 10;
  static constexpr int64_t window_update_price = 1;
  static constexpr int64_t reset_sent_price = 50;
  static constexpr int64_t content_sent_gain = 4;

 private:
  static constexpr size_t preface_size = 24;
  static constexpr size_t header_size = 9;

  int64_t price_of_frame() const noexcept;
  bool take(int64_t price) noexcept {
    purse_ -= price;
    return purse_ >= 0;
  }
  void give(int64_t gain) noexcept {
    if (purse_ >= 0) purse_ = purse_ + gain < capacity ? purse_ + gain : capacity;
  }

  time_point filled_at_;
  int64_t purse_ = capacity;
  size_t skip_ = preface_size;  ///< bytes until the next frame's header
  size_t header_filled_ = 0;
  std::array<uint8_t, header_size> header_{};
};

}  // namespace postern::runtime
