#pragma once
// Counts of a whole node that shut-down and limits look at. Any thread.

#include "edge/connection_budget.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace postern::edge {

class traffic_limits;

struct node_load {
  std::atomic<uint64_t> next_exchange{1};  ///< ids of exchanges
  std::atomic<uint64_t> next_tunnel{1};    ///< numbers of tunnels
  std::atomic<int64_t> exchanges{0};       ///< requests that are being answered
  std::atomic<int64_t> connections{0};     ///< sockets accepted and not closed, but for tunnels
  std::atomic<int64_t> watches{0};  ///< of exchanges that last: sessions that are asked again
  std::atomic<int64_t> tunnels{0};
  std::atomic<uint64_t> deferred{0};     ///< connectors' connections that had to wait for a turn
  std::atomic<uint64_t> turned_away{0};  ///< that got none: too many were waiting
  std::atomic<int64_t> waiting_pulls{
      0};  ///< of those exchanges, configuration pulls that wait for a change
  /// By shard: the version of what is published that it has taken over.
  std::array<std::atomic<uint64_t>, 256> published_version{};
  std::shared_ptr<traffic_limits> traffic;  ///< set before the shards serve
  connection_budget budget;                 ///< the same
  bool trials = false;  ///< administrators may make actors crash; set before the shards serve
  std::atomic<bool> draining{false};    ///< finish what runs, take nothing new
  std::atomic<bool> stop_asked{false};  ///< by an administrator

  /// Whether the first `shards` shards have taken over that version.
  bool in_force(uint64_t version, size_t shards) const noexcept {
    for (size_t i = 0; i < shards && i < published_version.size(); ++i)
      if (published_version[i].load() < version) return false;
    return true;
  }
};

/// Counts its own life.
class counted {
 public:
  explicit counted(std::atomic<int64_t>& in) : in_(in) {
    in_.fetch_add(1, std::memory_order_relaxed);
  }
  ~counted() { in_.fetch_sub(1, std::memory_order_release); }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

 private:
  std::atomic<int64_t>& in_;
};

}  // namespace postern::edge
