#pragma once
// Buffers that connections hold only while they have something in them: an idle connection owns
// none.

#include <cstddef>
#include <vector>

namespace postern::runtime {

/// A pool of equal-sized buffers; one per shard, own thread only.
class buffer_pool {
 public:
  static constexpr size_t buffer_size = 16 * 1024;
  /// More than this are given back to the allocator: a burst does not keep its memory.
  static constexpr size_t kept = 256;

  buffer_pool() = default;
  ~buffer_pool();
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  /// `buffer_size` bytes; give them back with release().
  char* acquire();
  void release(char* buffer) noexcept;

 private:
  std::vector<char*> free_;
};

}  // namespace postern::runtime
