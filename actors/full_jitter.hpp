#pragma once
// How long to wait before another attempt: exponential back-off with full jitter, so that a
// thousand connectors that lost one node do not come back in one moment. Who uses it:
// connector_agent.

#include "runtime/random_source.hpp"

#include <algorithm>
#include <chrono>

namespace postern::actors {

/// The longest wait before attempt `failures` + 1: `base` doubled with each failure after the
/// first, at most `cap`. No failure, no wait.
inline std::chrono::milliseconds back_off_bound(std::chrono::milliseconds base,
                                                std::chrono::milliseconds cap,
                                                unsigned failures) noexcept {
  if (failures == 0) return std::chrono::milliseconds::zero();
  auto bound = base;
  for (unsigned i = 1; i < failures && bound < cap; ++i)
    bound *= 2;
  return std::min(bound, cap);
}

/// A random wait in [0, back_off_bound], each millisecond equally likely.
inline std::chrono::milliseconds full_jitter(runtime::random_source& random,
                                             std::chrono::milliseconds base,
                                             std::chrono::milliseconds cap, unsigned failures) {
  const auto bound = static_cast<uint64_t>(back_off_bound(base, cap, failures).count());
  return std::chrono::milliseconds{random.below(bound + 1)};
}

}  // namespace postern::actors
