#include "actors/supervision.hpp"

#include <algorithm>

namespace postern::actors {

namespace {

constexpr unsigned bit(child c) {
  return 1U << static_cast<unsigned>(c);
}

struct child_row {
  const char* name;
  unsigned uses;  ///< all it depends on, not only directly
};

constexpr unsigned uses_store = bit(child::store);
constexpr unsigned uses_audit = uses_store | bit(child::audit);
constexpr unsigned uses_configuration = uses_audit | bit(child::configuration);
constexpr unsigned uses_connectors = uses_configuration | bit(child::connectors);

constexpr std::array<child_row, child_count> rows{{{"durable_store", 0},
                                                   {"audit_log", uses_store},
                                                   {"configuration", uses_audit},
                                                   {"token_verifier", 0},
                                                   {"session_registry", uses_audit},
                                                   {"connector_registry", uses_configuration},
                                                   {"certificate_authority", uses_connectors},
                                                   {"cluster_directory", uses_connectors}}};

std::chrono::milliseconds restart_pause(unsigned crashes) {
  constexpr unsigned most_doublings = 10;  // beyond the cap in any case
  return std::min(longest_restart_pause,
                  first_restart_pause * (1U << std::min(crashes - 1, most_doublings)));
}

constexpr child child_at(size_t index) {
  return static_cast<child>(index);
}

}  // namespace

const char* to_string(child c) noexcept {
  return rows[static_cast<size_t>(c)].name;
}

bool depends_on(child c, child other) noexcept {
  return (rows[static_cast<size_t>(c)].uses & bit(other)) != 0;
}

void supervision::started(child c, caf::actor_addr address, time_point now) {
  auto& slot = at(c);
  slot.phase = child_phase::running;
  slot.address = std::move(address);
  slot.started_at = now;
}

supervision::aftermath supervision::ended(const caf::actor_addr& address, time_point now) {
  aftermath out;
  const auto found = std::ranges::find_if(slots_, [&](const auto& slot) {
    return slot.phase != child_phase::down && slot.address == address;
  });
  if (found == slots_.end()) return out;
  const bool told_to = found->phase == child_phase::stopping;
  found->phase = child_phase::down;
  if (told_to) return out;
  out.crashed = child_at(static_cast<size_t>(found - slots_.begin()));
  if (now - found->started_at >= settled_after) found->crashes = 0;
  out.pause = restart_pause(++found->crashes);
  due_ = false;
  for (size_t i = child_count; i-- > 0;) {
    if (slots_[i].phase != child_phase::running || !depends_on(child_at(i), *out.crashed)) continue;
    slots_[i].phase = child_phase::stopping;
    out.stop.push_back(child_at(i));
  }
  return out;
}

std::vector<child> supervision::ready_to_start() {
  std::vector<child> out;
  // Two of a kind at once would write the same records.
  if (!due_ || !stopping().empty()) return out;
  for (size_t i = 0; i < child_count; ++i)
    if (slots_[i].phase == child_phase::down) out.push_back(child_at(i));
  return out;
}

std::optional<child> supervision::next_to_stop() {
  if (!stopping().empty()) return {};
  for (size_t i = child_count; i-- > 0;) {
    if (slots_[i].phase != child_phase::running) continue;
    slots_[i].phase = child_phase::stopping;
    return child_at(i);
  }
  return {};
}

bool supervision::all_down() const noexcept {
  return std::ranges::all_of(slots_,
                             [](const auto& slot) { return slot.phase == child_phase::down; });
}

std::vector<child> supervision::stopping() const {
  std::vector<child> out;
  for (size_t i = child_count; i-- > 0;)
    if (slots_[i].phase == child_phase::stopping) out.push_back(child_at(i));
  return out;
}

}  // namespace postern::actors
