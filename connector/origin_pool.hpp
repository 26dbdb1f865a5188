#pragma once
// Idle connections to origins, kept for the next exchange. One pool per shard; own thread only.

#include "connector/origin_table.hpp"

#include <chrono>
#include <optional>
#include <unordered_map>
#include <vector>

namespace postern::connector {

/// Bounds: runtime::limits::origin_idle_connections per origin, origin_idle_timeout each.
class origin_pool {
 public:
  explicit origin_pool(runtime::shard& home) : home_(home) {}

  /// The connection that was used last, if the origin has not ended it and it rested no longer than
  /// `longest_rest`. Whoever takes it owns it.
  std::optional<runtime::transport> take(uint64_t origin_id,
                                         std::chrono::milliseconds longest_rest);

  /// Keeps a connection whose last exchange ended cleanly (nothing left to read or to write), or
  /// closes it if there are enough.
  void put(uint64_t origin_id, runtime::transport connection);

  /// Closes connections to origins that a new configuration no longer has.
  void retain(const origin_table& current);

  /// Closes all.
  void clear();

  size_t size() const noexcept;

 private:
  using clock = std::chrono::steady_clock;
  struct idle_connection {
    runtime::transport connection;
    clock::time_point since;
  };

  void sweep();
  void arm_sweep();

  runtime::shard& home_;
  std::unordered_map<uint64_t, std::vector<idle_connection>> idle_;  // by origin, oldest first
  runtime::coarse_timer sweep_timer_;
};

}  // namespace postern::connector
