#include "connector/origin_pool.hpp"

#include "connector/limits.hpp"
#include "runtime/limits.hpp"

#include <algorithm>

namespace postern::connector {

std::optional<runtime::transport> origin_pool::take(uint64_t origin_id,
                                                    std::chrono::milliseconds longest_rest) {
  const auto found = idle_.find(origin_id);
  if (found == idle_.end()) return {};
  auto& connections = found->second;
  const auto now = clock::now();
  while (!connections.empty()) {
    auto& newest = connections.back();
    // All others have rested longer still.
    if (now - newest.since > longest_rest) return {};
    auto connection = std::move(newest.connection);
    connections.pop_back();
    // Bytes that nobody asked for are as bad as an end.
    if (connection.peek() == runtime::io_status::want_read) return connection;
    connection.close();
  }
  return {};
}

void origin_pool::put(uint64_t origin_id, runtime::transport connection) {
  auto& connections = idle_[origin_id];
  if (connections.size() >= runtime::limits::origin_idle_connections) {
    connection.shutdown();
    return;
  }
  connections.push_back({std::move(connection), clock::now()});
  if (!sweep_timer_.armed()) arm_sweep();
}

void origin_pool::retain(const origin_table& current) {
  std::erase_if(idle_, [&](const auto& entry) { return !current.holds(entry.first); });
}

void origin_pool::clear() {
  idle_.clear();
  sweep_timer_.disarm();
}

size_t origin_pool::size() const noexcept {
  size_t count = 0;
  for (const auto& [id, connections] : idle_)
    count += connections.size();
  return count;
}

void origin_pool::sweep() {
  const auto oldest = clock::now() - runtime::limits::origin_idle_timeout;
  for (auto& [id, connections] : idle_)
    std::erase_if(connections, [&](idle_connection& c) {
      return c.since <= oldest || c.connection.peek() != runtime::io_status::want_read;
    });
  std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
  if (!idle_.empty()) arm_sweep();
}

void origin_pool::arm_sweep() {
  home_.timers().arm(
      sweep_timer_, limits::idle_sweep,
      [](void* self) { static_cast<origin_pool*>(self)->sweep(); }, this);
}

}  // namespace postern::connector
