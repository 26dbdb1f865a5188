#pragma once
// How many connections a node takes at once. Each costs a file descriptor, and a process that has
// none left can neither be administered nor reached by connectors: so users are refused before
// that.

#include <cstdint>

namespace postern::edge {

struct connection_budget {
  /// Of users. One more is told so (503 "node_full") and ended; what it asks of the service's own
  /// names is still answered.
  int64_t users = INT64_MAX;
  /// Of everybody, tunnels included. One more is closed unread.
  int64_t all = INT64_MAX;
};

/// `configured`: [limits] connections of node.toml, 0 if it says nothing; `descriptors`: what the
/// process may have open.
connection_budget make_connection_budget(uint32_t configured, uint64_t descriptors) noexcept;

}  // namespace postern::edge
