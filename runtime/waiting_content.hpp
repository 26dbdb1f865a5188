#pragma once
// How much of what waits for a socket is content, where framing stands between: for flow control,
// which counts content alone. Who uses it: users' and origins' connections of HTTP/1.1.

#include <algorithm>
#include <cstddef>
#include <utility>

namespace postern::runtime {

/// Counts for one queue. One thread.
class waiting_content {
 public:
  /// `bytes` of content have been queued.
  void add(size_t bytes) noexcept { bytes_ += bytes; }
  /// What has gone since it was asked last, when `queued` bytes of content and framing are left.
  /// They all count as content: it may be told late, but never more than has gone, so that what
  /// waits stays bounded however long the whole is.
  size_t take_gone(size_t queued) noexcept {
    const auto left = std::min(bytes_, queued);
    return std::exchange(bytes_, left) - left;
  }
  void clear() noexcept { bytes_ = 0; }

 private:
  size_t bytes_ = 0;
};

}  // namespace postern::runtime
