#include "edge/connection_budget.hpp"

#include <algorithm>

namespace postern::edge {

namespace {

// Event loops, listeners, store, log, links to other nodes, connections to issuers.
constexpr int64_t own_descriptors = 128;
// More than any machine has memory for, so that sums stay in range.
constexpr uint64_t most_descriptors = uint64_t{1} << 32;

}  // namespace

connection_budget make_connection_budget(uint32_t configured, uint64_t descriptors) noexcept {
  const auto open = static_cast<int64_t>(std::min(descriptors, most_descriptors));
  connection_budget budget;
  budget.all = std::max(open - own_descriptors, open / 2);
  // A tenth stays for tunnels, administrators, and refusals that are being read.
  budget.users = budget.all - budget.all / 10;
  if (configured != 0) budget.users = std::min<int64_t>(budget.users, configured);
  return budget;
}

}  // namespace postern::edge
