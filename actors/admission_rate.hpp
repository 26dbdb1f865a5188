#pragma once
// How fast connectors are let in when all of them come at once: after a node was restarted, or its
// network healed. Plain data; used by the edge, in front of the TLS handshake
// (edge/connector_door).

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace postern::actors {

/// A bounded rate with a bounded burst and a bounded wait. Whoever comes is given a turn, in the
/// order of arrival; who would wait too long is given none and comes back by itself, with full
/// jitter.
class admission_rate {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = std::chrono::steady_clock::duration;

  /// Of one shard. A connector's handshake, hello and pull take about 1 ms of a core: at this rate
  /// a fifth of it, and four fifths are for users. 2,000 connectors, each with two tunnels and a
  /// pull, are back at a node of two shards within 15 s.
  static constexpr duration interval = std::chrono::milliseconds{5};
  /// So many at once wait for nothing: a few connectors, whenever they come.
  static constexpr uint32_t burst = 32;
  /// Half of the time that a connector gives its handshake (connector/limits.hpp).
  static constexpr duration longest_wait = std::chrono::seconds{5};

  /// Whether somebody who came now would not have to wait even if `others` came first.
  bool is_free(time_point now, uint32_t others = 0) const noexcept {
    return std::max(next_, now) + others * interval <= now + burst * interval;
  }

  /// How long the next one has to wait; it counts from now on. None: too long.
  std::optional<duration> take(time_point now) noexcept {
    // The burst is what time has left unused.
    if (next_ < now) next_ = now;
    const auto wait = next_ - burst * interval - now;
    if (wait > longest_wait) return std::nullopt;
    next_ += interval;
    return wait < duration::zero() ? duration::zero() : wait;
  }

 private:
  time_point next_{};  ///< when the one behind the last would have its turn, burst not counted
};

}  // namespace postern::actors
