#include "actors/connector_registry.hpp"

#include "actors/actor_support.hpp"
#include "actors/store_news.hpp"
#include "actors/timeouts.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

namespace postern::actors {

using runtime::error_category;

connector_registry_state::~connector_registry_state() {
  const auto ended = runtime::to_caf(
      {error_category::unavailable, "registry_ended", "service", "connector_registry"});
  for (auto& w : pulls_)
    w.promise.deliver(ended);
  for (auto& c : changes_)
    c.answer.deliver(ended);
  for (auto& l : lists_)
    std::exchange(l->promise, {}).deliver(ended);  // a handler that never runs holds the rest
  for (auto& [id, c] : connectors_)
    for (auto& t : c.tunnels)
      caf::anon_send_exit(t.connection, caf::exit_reason::user_shutdown);
  for (auto& [group, q] : queues_)
    caf::anon_send_exit(q.queue, caf::exit_reason::user_shutdown);
}

actor_time connector_registry_state::now() const {
  return self_->clock().now();
}

// -- start ----------------------------------------------------------------------------------------

void connector_registry_state::begin(connector_registry_dependencies deps) {
  deps_ = std::move(deps);
  // First: what is committed between the two is read twice rather than missed.
  follow_store<connector_registry_actor>(self_, deps_.store);
  load_records();
  load_drains();
  const configuration_subscriber_actor me = connector_registry_actor{self_};
  self_->request(deps_.configuration, snapshot_timeout, subscribe_atom_v, me)
      .then([this](published_ptr& p) { on_published(std::move(p)); },
            [this](caf::error& e) { self_->quit(std::move(e)); });
}

void connector_registry_state::load_records() {
  self_->request(deps_.store, store_timeout, load_atom_v, std::string{connector_kind})
      .then(
          [this](const std::vector<runtime::stored_record>& records) {
            adopt_all(records);
            records_loaded_ = true;
            on_started();
          },
          [this](caf::error& e) { self_->quit(std::move(e)); });
}

void connector_registry_state::on_started() {
  if (!loaded()) return;
  adjust_queues();
  publish_routing();
  spdlog::info("connector registry: {} connectors, {} groups", connectors_.size(), queues_.size());
}

void connector_registry_state::on_published(published_ptr fresh) {
  if (published_ && fresh->version < published_->version) return;
  const auto first = published_ == nullptr;
  published_ = std::move(fresh);
  contents_.clear();
  if (first) return on_started();
  if (!loaded()) return;
  adjust_queues();
  publish_routing();
  answer_changed_pulls();
}

// -- queues ---------------------------------------------------------------------------------------

void connector_registry_state::start_queue(const std::string& group, owned_queue& q) {
  q.queue = self_->spawn<caf::monitored>(group_queue, group);
  const summoner_actor me = connector_registry_actor{self_};
  self_->send(q.queue, subscribe_atom_v, me);
}

group_queue_actor connector_registry_state::queue_of(const std::string& group) {
  const auto [i, made] = queues_.try_emplace(group);
  if (made) {
    start_queue(group, i->second);
    publish_routing();
  }
  return i->second.queue;
}

bool connector_registry_state::adjust_queues() {
  std::set<std::string> wanted;
  for (const auto& g : published_->groups)
    wanted.insert(g.name);
  for (const auto& [id, c] : connectors_)
    if (!c.tunnels.empty()) wanted.insert(c.record.group);

  auto changed = false;
  for (auto i = queues_.begin(); i != queues_.end();) {
    if (wanted.erase(i->first) != 0) {
      ++i;
      continue;
    }
    self_->demonitor(i->second.queue.address());
    self_->send_exit(i->second.queue, caf::exit_reason::user_shutdown);
    i = queues_.erase(i);
    changed = true;
  }
  for (const auto& group : wanted) {
    start_queue(group, queues_[group]);
    changed = true;
  }
  return changed;
}

void connector_registry_state::restart_queue(const std::string& group) {
  auto& q = queues_.at(group);
  if (now() - q.window_began > restart_window) {
    q.window_began = now();
    q.restarts = 0;
  }
  if (++q.restarts > largest_restart_count) {
    spdlog::critical("the queue of group {} crashes again and again", group);
    return self_->quit(
        runtime::to_caf({error_category::internal, "queue_crashes", "service", "group " + group}));
  }
  start_queue(group, q);
  const group_queue_actor fresh = q.queue;
  for (const auto& [id, c] : connectors_)
    if (c.record.group == group)
      for (const auto& t : c.tunnels)
        self_->send(t.connection, update_atom_v, fresh);
  publish_routing();
}

void connector_registry_state::on_down(const caf::down_msg& down) {
  const auto queue = std::find_if(queues_.begin(), queues_.end(), [&](const auto& q) {
    return q.second.queue.address() == down.source;
  });
  if (queue != queues_.end()) {
    spdlog::error("the queue of group {} ended: {}", queue->first,
                  to_string(runtime::from_caf(down.reason)));
    return restart_queue(std::string{queue->first});
  }
  if (const auto owner = owners_.extract(down.source); !owner.empty())
    return on_connection_down(owner.mapped(), down);
  std::erase_if(subscribers_,
                [&](const routing_subscriber_actor& s) { return s.address() == down.source; });
  std::erase_if(followers_,
                [&](const group_subscriber_actor& s) { return s.address() == down.source; });
}

// -- routing --------------------------------------------------------------------------------------

void connector_registry_state::publish_routing() {
  if (!loaded()) return;
  auto fresh = std::make_shared<routing>();
  fresh->published = published_;
  for (const auto& [group, q] : queues_)
    fresh->queues.emplace(group, q.queue);
  routing_ = std::move(fresh);
  for (const auto& s : subscribers_)
    self_->send(s, update_atom_v, routing_);
}

routing_ptr connector_registry_state::subscribe(routing_subscriber_actor subscriber) {
  if (std::find(subscribers_.begin(), subscribers_.end(), subscriber) == subscribers_.end()) {
    self_->monitor(subscriber);
    subscribers_.push_back(std::move(subscriber));
  }
  return routing_;
}

// -- behavior -------------------------------------------------------------------------------------

connector_registry_actor::behavior_type connector_registry(connector_registry_state::pointer self,
                                                           connector_registry_dependencies deps) {
  report_crashes(self);
  self->set_down_handler([self](caf::down_msg& down) { self->state.on_down(down); });
  self->state.begin(std::move(deps));
  auto* state = &self->state;
  // Whatever arrives before the records is skipped, that is, waits in the mailbox.
  return {
      [state](insert_atom, connector_record& record) -> caf::result<void> {
        if (!state->loaded()) return caf::skip();
        return state->insert(std::move(record));
      },
      [state](find_atom, const std::string& id) -> caf::result<connector_record> {
        if (!state->loaded()) return caf::skip();
        return to_reply(state->find(id));
      },
      [state](attach_atom, tunnel_info& info) -> caf::result<connector_connection_actor> {
        if (!state->loaded()) return caf::skip();
        return state->attach(std::move(info));
      },
      [state](pull_atom, configuration_pull& pull) -> caf::result<connector_configuration> {
        if (!state->loaded()) return caf::skip();
        return state->pull(std::move(pull));
      },
      [state](revoke_atom, const std::string& id, const std::string& by) -> caf::result<void> {
        if (!state->loaded()) return caf::skip();
        return state->revoke(id, by);
      },
      [state](drain_atom, const std::string& id, bool drained,
              const std::string& by) -> caf::result<void> {
        if (!state->loaded()) return caf::skip();
        return state->drain(id, drained, by);
      },
      [state](apply_atom, const std::string& id, const std::string& group,
              const std::string& by) -> caf::result<void> {
        if (!state->loaded()) return caf::skip();
        return state->move(id, group, by);
      },
      [state](list_atom) -> caf::result<std::vector<connector_status>> {
        if (!state->loaded()) return caf::skip();
        return state->list();
      },
      [state](update_atom, published_ptr& fresh) { state->on_published(std::move(fresh)); },
      [state](subscribe_atom, routing_subscriber_actor& who) -> caf::result<routing_ptr> {
        if (!state->loaded()) return caf::skip();
        return state->subscribe(std::move(who));
      },
      [state](subscribe_atom,
              group_subscriber_actor& who) -> caf::result<std::vector<std::string>> {
        if (!state->loaded()) return caf::skip();
        return state->subscribe(std::move(who));
      },
      [state](summon_atom, const std::string& group, const std::string& address) {
        state->summon(group, address);
      },
      [state](update_atom, const std::vector<runtime::store_news>& news) { state->on_news(news); },
      [state](summon_atom, const std::string& group) { state->on_wanted(group); },
      [state](expire_atom, uint64_t epoch) { state->on_pulls_due(epoch); },
  };
}

}  // namespace postern::actors
