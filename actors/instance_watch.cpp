#include "actors/instance_watch.hpp"

#include <algorithm>

namespace postern::actors {

bool instance_watch::instance_record::is_alive(actor_time now) const noexcept {
  return tunnels > 0 || now - last_active <= instance_memory;
}

instance_watch::instance_record* instance_watch::find(const std::string& instance) noexcept {
  const auto i = std::find_if(instances_.begin(), instances_.end(),
                              [&](const instance_record& r) { return r.id == instance; });
  return i == instances_.end() ? nullptr : &*i;
}

bool instance_watch::is_alive(const std::string& instance, actor_time now) const noexcept {
  return std::any_of(instances_.begin(), instances_.end(),
                     [&](const instance_record& r) { return r.id == instance && r.is_alive(now); });
}

bool instance_watch::is_known(const instance_pair& p) const noexcept {
  return std::find(evident_.begin(), evident_.end(), p) != evident_.end();
}

void instance_watch::forget(const std::string& but, actor_time now) {
  std::erase_if(instances_,
                [&](const instance_record& r) { return r.id != but && !r.is_alive(now); });
  if (instances_.size() > largest_instance_count) {
    const auto quiet = std::min_element(instances_.begin(), instances_.end(),
                                        [&](const instance_record& a, const instance_record& b) {
                                          const auto rank = [&](const instance_record& r) {
                                            return std::pair{r.id == but, r.last_active};
                                          };
                                          return rank(a) < rank(b);
                                        });
    instances_.erase(quiet);
  }
  std::erase_if(evident_, [&](const instance_pair& p) {
    return find(p.first) == nullptr || find(p.second) == nullptr;
  });
}

std::optional<instance_watch::instance_pair> instance_watch::on_activity(
    const std::string& instance, actor_time now) {
  if (instance.empty()) return std::nullopt;
  // One that comes back after it was forgotten begins anew: nothing that died meanwhile counts.
  if (const auto* r = find(instance); r != nullptr && !r->is_alive(now))
    std::erase_if(instances_, [&](const instance_record& x) { return x.id == instance; });
  if (find(instance) == nullptr) instances_.push_back({instance, now});
  forget(instance, now);
  find(instance)->last_active = now;

  std::optional<instance_pair> fresh;
  const auto acting = static_cast<size_t>(find(instance) - instances_.data());
  for (size_t i = 0; i < instances_.size() && !fresh; ++i) {
    if (i == acting) continue;
    const auto& older = instances_[std::min(i, acting)];
    const auto& newer = instances_[std::max(i, acting)];
    const auto acts_after_newer_began = acting < i;
    const auto both_hold = older.tunnels > 0 && newer.tunnels > 0 &&
                           now - older.tunnels_since >= tunnel_overlap &&
                           now - newer.tunnels_since >= tunnel_overlap;
    if (!acts_after_newer_began && !both_hold) continue;
    if (instance_pair p{older.id, newer.id}; !is_known(p)) fresh = std::move(p);
  }
  if (fresh) evident_.push_back(*fresh);
  return fresh;
}

void instance_watch::on_tunnel_opened(const std::string& instance, actor_time now) {
  auto* r = find(instance);
  if (r != nullptr && r->tunnels++ == 0) r->tunnels_since = now;
}

void instance_watch::on_tunnel_closed(const std::string& instance) {
  auto* r = find(instance);
  if (r != nullptr && r->tunnels > 0) --r->tunnels;
}

bool instance_watch::duplicate(actor_time now) const noexcept {
  return std::any_of(evident_.begin(), evident_.end(), [&](const instance_pair& p) {
    return is_alive(p.first, now) && is_alive(p.second, now);
  });
}

}  // namespace postern::actors
