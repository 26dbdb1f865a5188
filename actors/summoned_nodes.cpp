#include "actors/summoned_nodes.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace postern::actors {

std::vector<summoned_nodes::dial> summoned_nodes::on_summons(const std::string& address,
                                                             uint32_t tunnels) {
  std::vector<dial> out;
  std::set<std::string> addresses{address};
  uint32_t there = 0;
  for (const auto& [slot, t] : tunnels_) {
    addresses.insert(t.address);
    if (t.address == address) ++there;
  }
  if (addresses.size() > largest_summoned_count) return out;
  for (; there < tunnels; ++there) {
    tunnels_.emplace(next_slot_, tunnel{address});
    out.push_back({next_slot_, address});
    next_slot_ =
        next_slot_ == std::numeric_limits<uint32_t>::max() ? first_summoned_slot : next_slot_ + 1;
  }
  return out;
}

void summoned_nodes::on_opened(uint32_t slot) {
  if (const auto i = tunnels_.find(slot); i != tunnels_.end()) i->second.open = true;
}

void summoned_nodes::on_closed(uint32_t slot) {
  tunnels_.erase(slot);
}

std::vector<uint32_t> summoned_nodes::up() const {
  std::vector<uint32_t> up;
  for (const auto& [slot, t] : tunnels_)
    if (t.open) up.push_back(slot);
  return up;
}

uint32_t summoned_nodes::open() const noexcept {
  return static_cast<uint32_t>(
      std::ranges::count_if(tunnels_, [](const auto& t) { return t.second.open; }));
}

}  // namespace postern::actors
