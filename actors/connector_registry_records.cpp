// The durable side of connector_registry: one change of a record at a time.
#include "actors/connector_registry.hpp"
#include "actors/timeouts.hpp"
#include "runtime/blob.hpp"
#include "runtime/caf_error.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <cereal/types/vector.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace postern::actors {

using runtime::error;
using runtime::error_category;

namespace {

error unknown(const std::string& id) {
  return {error_category::not_found, "connector_unknown", "connector", id};
}

error revoked(const std::string& id) {
  return {error_category::forbidden, "connector_revoked", "connector", id};
}

/// The serials become the newest; what is too much goes, the oldest first, unless somebody uses it.
template <class InUse>
void add_serials(connector_record& r, const std::vector<std::string>& serials,
                 const InUse& in_use) {
  for (const auto& s : serials) {
    std::erase(r.serials, s);
    r.serials.push_back(s);
  }
  for (auto i = r.serials.begin(); r.serials.size() > largest_serial_count && i != r.serials.end();)
    i = in_use(*i) ? i + 1 : r.serials.erase(i);
}

audit_event make_event(const char* category, const char* action, const std::string& by,
                       const std::string& target, std::string detail = {}) {
  audit_event e;
  e.category = category;
  e.action = action;
  e.actor = by;
  e.target = target;
  e.outcome = "success";
  e.detail = std::move(detail);
  return e;
}

}  // namespace

runtime::result<connector_record> connector_registry_state::find(const std::string& id) const {
  const auto i = connectors_.find(id);
  if (i == connectors_.end()) return unknown(id);
  return i->second.record;
}

bool connector_registry_state::is_in_use(const std::string& id, const std::string& serial) const {
  const auto i = connectors_.find(id);
  if (i == connectors_.end()) return false;
  const auto& c = i->second;
  return c.certificate_serial == serial ||
         std::ranges::find(c.tunnels, serial, [](const live_tunnel& t) { return t.info.serial; }) !=
             c.tunnels.end();
}

// -- what is asked for ----------------------------------------------------------------------------

caf::result<void> connector_registry_state::insert(connector_record record) {
  auto id = record.id;
  auto make = [this, fresh = std::move(record)](
                  const connector_record* old) -> runtime::result<connector_record> {
    if (fresh.id.empty())
      return error{error_category::invalid_input, "connector_without_id", "connector", {}};
    // A renewal began with what its sender knew: whatever an administrator did meanwhile stands.
    if (old != nullptr && old->revoked) return revoked(fresh.id);
    auto made = old != nullptr ? *old : fresh;
    add_serials(made, fresh.serials, [&](const std::string& s) { return is_in_use(fresh.id, s); });
    return made;
  };
  return submit({std::move(id), std::move(make), std::nullopt, {}});
}

caf::result<void> connector_registry_state::revoke(const std::string& id, const std::string& by) {
  auto make = [id](const connector_record* old) -> runtime::result<connector_record> {
    if (old == nullptr) return unknown(id);
    auto made = *old;
    made.revoked = true;
    return made;
  };
  return submit({id, std::move(make), make_event("revocation", "connector_revoked", by, id), {}});
}

caf::result<void> connector_registry_state::move(const std::string& id, const std::string& group,
                                                 const std::string& by) {
  auto make = [this, id, group](const connector_record* old) -> runtime::result<connector_record> {
    if (old == nullptr) return unknown(id);
    if (old->revoked) return revoked(id);
    if (published_->find_group(group) == nullptr)
      return error{error_category::not_found, "group_unknown", "connector_group", group};
    auto made = *old;
    made.group = group;
    return made;
  };
  return submit(
      {id, std::move(make), make_event("change", "connector_moved", by, id, "to " + group), {}});
}

// -- one at a time --------------------------------------------------------------------------------

caf::result<void> connector_registry_state::submit(record_change change) {
  if (changes_.size() >= largest_change_queue)
    return runtime::to_caf({error_category::overloaded, "registry_busy", "service", change.id});
  change.answer = self_->make_response_promise();
  auto answer = change.answer;
  changes_.push_back(std::move(change));
  next_change();
  return answer;
}

void connector_registry_state::next_change() {
  while (!changing_ && !changes_.empty()) {
    auto& change = changes_.front();
    const auto known = connectors_.find(change.id);
    const auto* old = known == connectors_.end() ? nullptr : &known->second.record;
    auto made = change.make(old);
    if (made.has_value() &&
        (old == nullptr || runtime::encode_blob(*old) != runtime::encode_blob(*made)))
      return commit(std::move(*made));
    if (made.has_error())
      change.answer.deliver(runtime::to_caf(made.error()));
    else
      change.answer.deliver(caf::unit);
    changes_.pop_front();
  }
}

void connector_registry_state::commit(connector_record made) {
  changing_ = true;
  const auto known = connectors_.find(made.id);
  runtime::store_change put;
  put.kind = connector_kind;
  put.key = made.id;
  put.value = runtime::encode_blob(made);
  put.expected_revision = known == connectors_.end() ? 0 : known->second.revision;
  self_->request(deps_.store, store_timeout, commit_atom_v, std::vector{std::move(put)})
      .then(
          [this, made = std::move(made)](uint64_t revision) mutable {
            auto change = std::move(changes_.front());
            changes_.pop_front();
            changing_ = false;
            adopt(std::move(made), revision);
            answer_changed_pulls();
            if (change.event) self_->send(deps_.audit, record_atom_v, *change.event);
            change.answer.deliver(caf::unit);
            next_change();
          },
          [this](caf::error& e) {
            auto change = std::move(changes_.front());
            changes_.pop_front();
            spdlog::error("connector {}: a change could not be stored: {}", change.id,
                          to_string(runtime::from_caf(e)));
            change.answer.deliver(std::move(e));
            reload();
          });
}

// A commit that failed may have been written all the same (its answer was late), or somebody else
// changed the record: the store knows.
void connector_registry_state::reload() {
  const auto go_on = [this] {
    changing_ = false;
    next_change();
  };
  self_->request(deps_.store, store_timeout, load_atom_v, std::string{connector_kind})
      .then(
          [this, go_on](const std::vector<runtime::stored_record>& records) {
            adopt_all(records);
            go_on();
          },
          [go_on](caf::error& e) {
            spdlog::error("the connectors could not be loaded again: {}",
                          to_string(runtime::from_caf(e)));
            go_on();
          });
}

// -- what a change does ---------------------------------------------------------------------------

void connector_registry_state::adopt_all(const std::vector<runtime::stored_record>& records) {
  for (const auto& r : records)
    adopt_stored(r);
  answer_changed_pulls();
}

void connector_registry_state::adopt_stored(const runtime::stored_record& stored) {
  auto record = runtime::decode_blob<connector_record>(stored.value, largest_connector_record);
  if (record.has_error() || record->id != stored.key) {
    spdlog::error("the stored record of connector {} is damaged; it is refused", stored.key);
    return;
  }
  adopt(std::move(*record), stored.revision);
}

void connector_registry_state::adopt(connector_record record, uint64_t revision) {
  auto& c = connectors_[record.id];
  if (revision < c.revision) return;  // read before a commit that has come to be known meanwhile
  const auto was_revoked = c.record.revoked;
  const auto was_in = std::exchange(c.record, std::move(record)).group;
  c.revision = revision;
  if (c.record.revoked && !was_revoked) {
    for (const auto& t : c.tunnels)
      self_->send(t.connection, revoke_atom_v, std::string{"the connector was revoked"});
  } else if (c.record.group != was_in && !c.tunnels.empty()) {
    const auto queue = queue_of(c.record.group);
    for (const auto& t : c.tunnels)
      self_->send(t.connection, update_atom_v, queue);
    if (adjust_queues()) publish_routing();
    tell_group(was_in);
    tell_group(c.record.group);
  }
}

// -- list -----------------------------------------------------------------------------------------

caf::result<std::vector<connector_status>> connector_registry_state::list() {
  auto pending = std::make_shared<pending_list>();
  for (const auto& [id, c] : connectors_)
    pending->statuses.push_back(status_of(c));
  if (owners_.empty() || queues_.empty()) return std::move(pending->statuses);
  pending->promise = self_->make_response_promise<std::vector<connector_status>>();
  pending->outstanding = queues_.size();
  lists_.push_back(pending);
  const auto done = [this, pending] {
    if (--pending->outstanding != 0) return;
    pending->promise.deliver(std::move(pending->statuses));
    std::erase(lists_, pending);
  };
  for (const auto& [group, q] : queues_)
    self_->request(q.queue, local_timeout, list_atom_v)
        .then(
            [pending, done](const std::vector<connector_status>& running) {
              for (const auto& r : running)
                for (auto& s : pending->statuses)
                  if (s.record.id == r.record.id) s.exchanges += r.exchanges;
              done();
            },
            // A queue that just crashed: its numbers are gone, the rest of the list is not.
            [done](caf::error&) { done(); });
  return pending->promise;
}

}  // namespace postern::actors
