#include "actors/dispatch_board.hpp"

#include <algorithm>
#include <tuple>

namespace postern::actors {

// What the next exchange would have to share a place with, in milliseconds.
float dispatch_board::tunnel::cost(actor_time now) const noexcept {
  const auto floor = static_cast<float>(latency_floor.count());
  const auto recent = now - sampled < latency_memory ? latency : 0.F;
  return std::max(recent, floor) * static_cast<float>(running + 1) / static_cast<float>(capacity);
}

// The gain is that of TCP's smoothed round-trip time (RFC 6298, section 2).
void dispatch_board::tunnel::sample(float milliseconds, actor_time now) noexcept {
  const auto fresh = latency == 0.F || now - sampled >= latency_memory;
  latency = fresh ? milliseconds : latency + (milliseconds - latency) / 8.F;
  sampled = now;
}

dispatch_board::tunnel* dispatch_board::find(tunnel_id id) noexcept {
  const auto i =
      std::find_if(tunnels_.begin(), tunnels_.end(), [id](const tunnel& t) { return t.id == id; });
  return i == tunnels_.end() ? nullptr : &*i;
}

void dispatch_board::attach(const tunnel_info& info) {
  if (auto* known = find(info.id)) {
    known->capacity = info.capacity;
    return;
  }
  tunnels_.push_back({info.id, info.connector, info.capacity, 0, 0.F, {}, false});
}

bool dispatch_board::detach(tunnel_id id) noexcept {
  return std::erase_if(tunnels_, [id](const tunnel& t) { return t.id == id; }) != 0;
}

bool dispatch_board::set_silent(tunnel_id id, bool silent) noexcept {
  auto* t = find(id);
  if (t == nullptr) return false;
  t->silent = silent;
  return true;
}

dispatch_board::tunnel* dispatch_board::follow_burst(uint32_t shard, const std::string& avoid,
                                                     actor_time now) noexcept {
  if (shard >= bursts_.size()) return nullptr;
  auto& b = bursts_[shard];
  if (b.left == 0 || now - b.began >= burst_time) return nullptr;
  auto* t = find(b.id);
  if (t == nullptr || !t->has_room() || t->connector == avoid) return nullptr;
  --b.left;
  return t;
}

void dispatch_board::begin_burst(uint32_t shard, const tunnel& on, actor_time now) {
  if (shard >= bursts_.size()) bursts_.resize(shard + 1);
  const auto places = std::min(largest_burst, on.capacity / burst_share);
  bursts_[shard] = {on.id, places > 0 ? places - 1 : 0, now};
}

dispatch_board::tunnel* dispatch_board::find_best(uint32_t shard, const std::string& avoid,
                                                  actor_time now) noexcept {
  tunnel* best = nullptr;
  std::tuple<bool, bool, float> best_rank;
  for (auto& t : tunnels_) {
    if (!t.has_room()) continue;
    const std::tuple rank{t.connector == avoid, t.id.shard != shard, t.cost(now)};
    if (best != nullptr && rank >= best_rank) continue;
    best = &t;
    best_rank = rank;
  }
  return best;
}

std::optional<dispatch> dispatch_board::take(uint32_t shard, const std::string& avoid,
                                             actor_time now) {
  auto* chosen = follow_burst(shard, avoid, now);
  if (chosen == nullptr) {
    chosen = find_best(shard, avoid, now);
    if (chosen == nullptr) return std::nullopt;
    begin_burst(shard, *chosen, now);
  }
  ++chosen->running;
  return dispatch{chosen->id, chosen->connector};
}

bool dispatch_board::release(tunnel_id id, exchange_outcome how, milliseconds latency,
                             actor_time now) noexcept {
  auto* t = find(id);
  if (t == nullptr) return false;
  // A place may have been booked before a restarted queue began to count.
  if (t->running > 0) --t->running;
  if (how == exchange_outcome::completed)
    t->sample(static_cast<float>(latency.count()), now);
  else if (how != exchange_outcome::user_gone)
    t->sample(static_cast<float>(failure_latency.count()), now);
  return true;
}

bool dispatch_board::serves() const noexcept {
  return std::any_of(tunnels_.begin(), tunnels_.end(), [](const tunnel& t) { return !t.silent; });
}

bool dispatch_board::has_room() const noexcept {
  return std::any_of(tunnels_.begin(), tunnels_.end(),
                     [](const tunnel& t) { return t.has_room(); });
}

uint32_t dispatch_board::running() const noexcept {
  uint32_t sum = 0;
  for (const auto& t : tunnels_)
    sum += t.running;
  return sum;
}

std::vector<connector_status> dispatch_board::by_connector() const {
  std::vector<connector_status> all;
  for (const auto& t : tunnels_) {
    auto i = std::find_if(all.begin(), all.end(),
                          [&t](const connector_status& s) { return s.record.id == t.connector; });
    if (i == all.end()) {
      i = all.insert(all.end(), connector_status{});
      i->record.id = t.connector;
      i->connected = true;
    }
    ++i->tunnels;
    i->exchanges += t.running;
  }
  return all;
}

}  // namespace postern::actors
