#include "runtime/http2_guard.hpp"

#include <algorithm>
#include <cstring>

namespace postern::runtime {

namespace {

enum frame_type : uint8_t { data = 0, headers = 1, window_update = 8 };
constexpr uint8_t end_stream = 1;

size_t length_of(const std::array<uint8_t, 9>& header) noexcept {
  return size_t{header[0]} << 16 | size_t{header[1]} << 8 | size_t{header[2]};
}

}  // namespace

int64_t http2_guard::price_of_frame() const noexcept {
  const auto type = header_[3], flags = header_[4];
  switch (type) {
    case data:
      return length_of(header_) == 0 && (flags & end_stream) == 0 ? useless_price : 0;
    case headers:
      return 0;  // what requests may cost is bounded elsewhere
    case window_update:
      return window_update_price;
    default:
      return useless_price;
  }
}

bool http2_guard::on_received(std::span<const char> bytes, time_point now) noexcept {
  if (const auto ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(now - filled_at_).count();
      ms >= 100) {
    give(std::min<int64_t>(ms, 3'600'000) * gain_per_second / 1000);
    filled_at_ = now;
  }
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const auto n = std::min(skip_, bytes.size());
      skip_ -= n;
      bytes = bytes.subspan(n);
      continue;
    }
    const auto n = std::min(header_size - header_filled_, bytes.size());
    std::memcpy(header_.data() + header_filled_, bytes.data(), n);
    header_filled_ += n;
    bytes = bytes.subspan(n);
    if (header_filled_ < header_size) break;
    header_filled_ = 0;
    skip_ = length_of(header_);
    if (!take(price_of_frame())) return false;
  }
  return true;
}

}  // namespace postern::runtime
