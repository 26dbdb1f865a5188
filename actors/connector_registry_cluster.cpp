// What connector_registry has to do with other nodes: it follows what they record, says which
// groups have tunnels here, and lends its connectors.
#include "actors/connector_registry.hpp"
#include "actors/store_news.hpp"
#include "actors/timeouts.hpp"
#include "runtime/caf_error.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace postern::actors {

// -- records --------------------------------------------------------------------------------------

void connector_registry_state::on_news(const std::vector<runtime::store_news>& news) {
  if (concerns(news, drain_kind)) read_drains_again();
  for (const auto& one : news) {
    if (!concerns(one, connector_kind)) continue;
    const auto known = connectors_.find(one.key);
    const auto held = known == connectors_.end() ? 0 : known->second.revision;
    if (one.key.empty() || one.revision == 0 || one.revision > held) read_again(one.key);
  }
}

void connector_registry_state::read_again(const std::string& key) {
  const std::string kind = connector_kind;
  auto adopt_found = [this](const std::vector<runtime::stored_record>& records) {
    adopt_all(records);
  };
  // A revocation must not be missed.
  auto try_again = [this, kind, key](caf::error& e) {
    spdlog::warn("connectors that other nodes have changed cannot be read: {}",
                 to_string(runtime::from_caf(e)));
    self_->delayed_send(self_, retry_pause, update_atom_v,
                        std::vector<runtime::store_news>{{kind, key, 0}});
  };
  if (key.empty())
    self_->request(deps_.store, store_timeout, load_atom_v, kind).then(adopt_found, try_again);
  else
    self_->request(deps_.store, store_timeout, find_atom_v, kind, key).then(adopt_found, try_again);
}

// -- groups ---------------------------------------------------------------------------------------

std::vector<std::string> connector_registry_state::subscribe(group_subscriber_actor subscriber) {
  if (std::find(followers_.begin(), followers_.end(), subscriber) == followers_.end()) {
    self_->monitor(subscriber);
    followers_.push_back(std::move(subscriber));
  }
  return {live_groups_.begin(), live_groups_.end()};
}

void connector_registry_state::tell_group(const std::string& group, bool came_now) {
  const auto live = std::any_of(connectors_.begin(), connectors_.end(), [&](const auto& c) {
    return !c.second.tunnels.empty() && c.second.record.group == group;
  });
  const auto changed = live ? live_groups_.insert(group).second : live_groups_.erase(group) != 0;
  const auto came = came_now && called_.erase(group) != 0;
  if (!changed && !came) return;
  const std::vector<std::string> groups{live_groups_.begin(), live_groups_.end()};
  for (const auto& follower : followers_)
    self_->send(follower, update_atom_v, groups);
}

// -- rendezvous -----------------------------------------------------------------------------------

void connector_registry_state::on_wanted(const std::string& group) {
  // Bounded by the groups that have queues.
  if (!followers_.empty()) called_.insert(group);
  for (const auto& follower : followers_)
    self_->send(follower, summon_atom_v, group);
}

void connector_registry_state::summon(const std::string& group, const std::string& address) {
  std::vector<const registered_connector*> able;
  for (const auto& [id, c] : connectors_)
    if (!c.tunnels.empty() && !c.record.revoked && c.record.group == group) able.push_back(&c);
  if (able.empty()) return;
  const auto turn = summoned_++;
  const auto& tunnels = able[turn % able.size()]->tunnels;
  self_->send(deps_.tunnels, summon_atom_v, tunnels[turn / able.size() % tunnels.size()].info.id,
              address);
}

}  // namespace postern::actors
