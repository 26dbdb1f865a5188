#include "runtime/buffer_pool.hpp"

namespace postern::runtime {

buffer_pool::~buffer_pool() {
  for (auto* buffer : free_)
    delete[] buffer;
}

char* buffer_pool::acquire() {
  if (free_.empty()) return new char[buffer_size];
  auto* buffer = free_.back();
  free_.pop_back();
  return buffer;
}

void buffer_pool::release(char* buffer) noexcept {
  if (free_.size() < kept)
    free_.push_back(buffer);
  else
    delete[] buffer;
}

}  // namespace postern::runtime
