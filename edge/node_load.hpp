#pragma once
// Counts of a whole node that shut-down and limits look at. Any thread.

#include <atomic>
#include <cstdint>

namespace postern::edge {

struct node_load {
  std::atomic<uint64_t> next_exchange{1};  ///< ids of exchanges
  std::atomic<uint64_t> next_tunnel{1};    ///< numbers of tunnels
  std::atomic<int64_t> exchanges{0};       ///< requests that are being answered
  std::atomic<int64_t> connections{0};     ///< user connections
  std::atomic<bool> draining{false};       ///< finish what runs, take nothing new
};

}  // namespace postern::edge
