// Connectors that an administrator wants without tunnels for a while: connector_registry keeps who
// they are, and their configuration tells them.
#include "actors/connector_registry.hpp"
#include "actors/timeouts.hpp"
#include "runtime/caf_error.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace postern::actors {

using runtime::error_category;

void connector_registry_state::load_drains() {
  self_->request(deps_.store, store_timeout, load_atom_v, std::string{drain_kind})
      .then(
          [this](const std::vector<runtime::stored_record>& records) {
            adopt_drains(records);
            drains_loaded_ = true;
            on_started();
          },
          [this](caf::error& e) { self_->quit(std::move(e)); });
}

void connector_registry_state::read_drains_again() {
  self_->request(deps_.store, store_timeout, load_atom_v, std::string{drain_kind})
      .then([this](const std::vector<runtime::stored_record>& records) { adopt_drains(records); },
            [this](caf::error& e) {
              spdlog::warn("which connectors are drained cannot be read: {}",
                           to_string(runtime::from_caf(e)));
              self_->delayed_send(self_, retry_pause, update_atom_v,
                                  std::vector<runtime::store_news>{{drain_kind, {}, 0}});
            });
}

void connector_registry_state::adopt_drains(const std::vector<runtime::stored_record>& records) {
  drained_.clear();
  for (const auto& one : records)
    drained_.insert(one.key);
  answer_changed_pulls();
}

caf::result<void> connector_registry_state::drain(const std::string& id, bool drained,
                                                  const std::string& by) {
  const auto known = find(id);
  if (!known) return runtime::to_caf(known.error());
  if (known->revoked)
    return runtime::to_caf({error_category::forbidden, "connector_revoked", "connector", id});
  // What is being written decides, not what is in force: the store takes writes in their order.
  if (!drain_writes_.contains(id) && drained_.contains(id) == drained) return caf::unit;
  using action = runtime::store_change::action;
  std::vector<runtime::store_change> changes{{.what = drained ? action::put : action::erase,
                                              .kind = drain_kind,
                                              .key = id,
                                              .value = drained ? by : std::string{}}};
  auto promise = self_->make_response_promise();
  drain_writes_.insert(id);
  self_->request(deps_.store, store_timeout, commit_atom_v, std::move(changes))
      .then(
          [this, promise, id, drained, by](uint64_t) mutable {
            drain_writes_.erase(drain_writes_.find(id));
            on_drain_written(id, drained, by);
            promise.deliver(caf::unit);
          },
          // It may have been written all the same: the store knows.
          [this, promise, id](caf::error& e) mutable {
            drain_writes_.erase(drain_writes_.find(id));
            promise.deliver(std::move(e));
            read_drains_again();
          });
  return promise;
}

void connector_registry_state::on_drain_written(const std::string& id, bool drained,
                                                const std::string& by) {
  const bool changed = drained ? drained_.insert(id).second : drained_.erase(id) > 0;
  if (!changed) return;
  answer_changed_pulls();
  audit_event e;
  e.category = "change";
  e.action = drained ? "connector_drained" : "connector_resumed";
  e.actor = by;
  e.target = id;
  e.outcome = "success";
  self_->send(deps_.audit, record_atom_v, std::move(e));
}

}  // namespace postern::actors
