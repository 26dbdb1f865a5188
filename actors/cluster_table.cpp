#include "actors/cluster_table.hpp"

#include "actors/full_jitter.hpp"

#include <algorithm>
#include <utility>

namespace postern::actors {

void cluster_table::set_members(const std::set<std::string>& addresses, time_point now) {
  for (auto& [address, node] : nodes_)
    node.member = addresses.contains(address);
  for (const auto& address : addresses) {
    if (address == own_) continue;
    const auto [i, made] = nodes_.try_emplace(address);
    i->second.member = true;
    if (!made) continue;
    i->second.shown.address = address;
    i->second.next_dial = now;
  }
  std::erase_if(nodes_, [](const auto& n) {
    return !n.second.member && !n.second.peer && !n.second.dialling;
  });
}

std::vector<std::string> cluster_table::take_due(time_point now) {
  std::vector<std::string> due;
  for (auto& [address, node] : nodes_) {
    if (own_ >= address || node.peer || node.dialling || !node.member || node.next_dial > now)
      continue;
    node.dialling = true;
    due.push_back(address);
  }
  return due;
}

void cluster_table::failed(const std::string& address, runtime::random_source& random,
                           time_point now) {
  const auto i = nodes_.find(address);
  if (i == nodes_.end()) return;
  auto& node = i->second;
  node.dialling = false;
  node.next_dial = now + full_jitter(random, peer_back_off, peer_back_off_cap, ++node.failures);
}

void cluster_table::linked(const std::string& address, cluster_peer_actor peer) {
  const auto i = nodes_.find(address);
  if (i == nodes_.end()) return;
  i->second.dialling = false;
  i->second.peer = std::move(peer);
}

bool cluster_table::heard(const presence& said, const cluster_peer_actor& peer) {
  auto& node = nodes_[said.node];
  const auto fresh = !node.shown.connected || node.peer != peer;
  node.peer = peer;
  node.dialling = false;
  node.failures = 0;
  node.shown = {said.node, true, said.version, said.connectors_address, said.groups};
  std::ranges::sort(node.shown.groups);
  return fresh;
}

std::string cluster_table::lost(const caf::actor_addr& peer, runtime::random_source& random,
                                time_point now) {
  const auto i = std::ranges::find_if(
      nodes_, [&](const auto& n) { return n.second.peer && n.second.peer.address() == peer; });
  if (i == nodes_.end()) return {};
  auto address = i->first;
  auto& node = i->second;
  if (!node.member) {
    nodes_.erase(i);
    return address;
  }
  node.peer = nullptr;
  node.shown.connected = false;
  node.shown.groups.clear();
  node.next_dial = now + full_jitter(random, peer_back_off, peer_back_off_cap, ++node.failures);
  return address;
}

std::vector<cluster_peer_actor> cluster_table::peers() const {
  std::vector<cluster_peer_actor> out;
  for (const auto& [address, node] : nodes_)
    if (node.peer) out.push_back(node.peer);
  return out;
}

std::vector<cluster_node> cluster_table::list() const {
  std::vector<cluster_node> out;
  out.reserve(nodes_.size());
  for (const auto& [address, node] : nodes_)
    out.push_back(node.shown);
  return out;
}

std::optional<cluster_peer_actor> cluster_table::ask(const std::string& group, wish& w,
                                                     time_point now) {
  std::vector<const entry*> able;
  for (const auto& [address, node] : nodes_)
    if (node.peer && std::ranges::binary_search(node.shown.groups, group)) able.push_back(&node);
  if (able.empty()) return std::nullopt;
  w.next_ask = now + summon_patience;
  return able[w.asked++ % able.size()]->peer;
}

std::optional<cluster_peer_actor> cluster_table::want(const std::string& group, time_point now) {
  auto& w = wanted_[group];
  w.until = now + wanted_for;
  return w.next_ask > now ? std::nullopt : ask(group, w, now);
}

std::vector<std::pair<std::string, cluster_peer_actor>> cluster_table::ask_again(time_point now) {
  std::vector<std::pair<std::string, cluster_peer_actor>> out;
  std::erase_if(wanted_, [now](const auto& w) { return w.second.until <= now; });
  for (auto& [group, w] : wanted_)
    if (w.next_ask <= now)
      if (auto peer = ask(group, w, now)) out.emplace_back(group, std::move(*peer));
  return out;
}

void cluster_table::arrived(const std::vector<std::string>& groups) {
  for (const auto& group : groups)
    wanted_.erase(group);
}

}  // namespace postern::actors
