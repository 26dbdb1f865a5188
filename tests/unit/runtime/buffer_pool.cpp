#define CAF_SUITE buffer_pool
#include "runtime/buffer_pool.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <cstring>

using namespace postern::runtime;

namespace {

/// Takes buffers, marks each from end to end, and says whether every mark is still there.
bool are_apart(const std::vector<char*>& buffers) {
  for (size_t i = 0; i < buffers.size(); ++i)
    std::memset(buffers[i], static_cast<int>(i % 251), buffer_pool::buffer_size);
  for (size_t i = 0; i < buffers.size(); ++i)
    if (!std::all_of(buffers[i], buffers[i] + buffer_pool::buffer_size,
                     [i](char c) { return c == static_cast<char>(i % 251); }))
      return false;
  return true;
}

std::vector<char*> take(buffer_pool& pool, size_t count) {
  std::vector<char*> taken(count);
  std::ranges::generate(taken, [&] { return pool.acquire(); });
  return taken;
}

}  // namespace

CAF_TEST(no two holders share a buffer even after a burst of more than are kept) {
  buffer_pool pool;
  for (int burst = 0; burst < 2; ++burst) {
    const auto taken = take(pool, buffer_pool::kept + 10);
    CAF_CHECK(are_apart(taken));
    for (auto* buffer : taken)
      pool.release(buffer);
  }
}

CAF_TEST(a buffer that was given back is handed out again while others are held) {
  buffer_pool pool;
  const auto held = take(pool, 3);
  pool.release(held[1]);
  auto* again = pool.acquire();
  CAF_CHECK_EQUAL(static_cast<void*>(again), static_cast<void*>(held[1]));
  CAF_CHECK(are_apart({held[0], again, held[2]}));
  for (auto* buffer : {held[0], again, held[2]})
    pool.release(buffer);
}
