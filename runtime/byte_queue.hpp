#pragma once
// Bytes on their way: appended at the back, taken from the front, always in one piece. Unlike a
// string it neither clears room before it is filled nor moves what is left each time some has gone.
// Who uses it: HTTP/2 streams and users' connections.

#include "runtime/error.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace postern::runtime {

/// Owns its memory; holds none until the first byte, and keeps it until release(). One thread.
class byte_queue {
 public:
  bool empty() const noexcept { return begin_ == end_; }
  size_t size() const noexcept { return end_ - begin_; }
  /// Bytes of memory held.
  size_t capacity() const noexcept { return capacity_; }
  /// What waits. Ends with the next call that changes the queue.
  std::span<const char> bytes() const noexcept { return {data_.get() + begin_, size()}; }

  byte_queue& append(std::string_view piece) {
    if (!piece.empty()) std::memcpy(prepare(piece.size()), piece.data(), piece.size());
    end_ += piece.size();
    return *this;
  }
  byte_queue& operator+=(std::string_view piece) { return append(piece); }

  /// Room for `size` bytes behind what waits, uninitialised; commit() says how many were filled.
  char* prepare(size_t size) {
    if (capacity_ - end_ < size) make_room(size);
    return data_.get() + end_;
  }
  /// Precondition: `size` bytes of what prepare() gave have been filled.
  void commit(size_t size) noexcept {
    ensure(size <= capacity_ - end_, "no more is filled than there was room for");
    end_ += size;
  }

  /// Takes bytes off the front. Precondition: they are there.
  void consume(size_t size) noexcept {
    ensure(size <= this->size(), "no more is taken than there is");
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  /// Forgets what waits, keeps the memory.
  void clear() noexcept { begin_ = end_ = 0; }
  /// Forgets what waits and gives the memory back.
  void release() noexcept {
    data_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  // Moves where at least half as much has gone as is left, and doubles otherwise: a byte is moved
  // twice for each that goes, at the most, and no more than three times is held of what waited.
  void make_room(size_t size) {
    const auto kept = this->size();
    if (2 * begin_ >= kept && capacity_ - kept >= size) {
      std::memmove(data_.get(), data_.get() + begin_, kept);
    } else {
      const auto larger = std::max({2 * capacity_, kept + size, smallest_capacity});
      std::unique_ptr<char[]> fresh{new char[larger]};
      if (kept > 0) std::memcpy(fresh.get(), data_.get() + begin_, kept);
      data_ = std::move(fresh);
      capacity_ = larger;
    }
    begin_ = 0;
    end_ = kept;
  }

  static constexpr size_t smallest_capacity = 512;

  std::unique_ptr<char[]> data_;
  size_t begin_ = 0, end_ = 0, capacity_ = 0;
};

}  // namespace postern::runtime
