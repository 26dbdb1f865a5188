#include "actors/node_supervisor.hpp"

#include "actors/actor_support.hpp"
#include "actors/audit_log.hpp"
#include "actors/certificate_authority.hpp"
#include "actors/configuration.hpp"
#include "actors/connector_registry.hpp"
#include "actors/durable_store.hpp"
#include "actors/session_registry.hpp"
#include "actors/timeouts.hpp"
#include "actors/token_verifier.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace postern::actors {

namespace {

using pointer = node_supervisor_self_actor::stateful_pointer<node_supervisor_state>;

void stop(const caf::actor_addr& address, caf::exit_reason reason) {
  if (auto target = caf::actor_cast<caf::actor>(address)) caf::anon_send_exit(target, reason);
}

// -- starting -------------------------------------------------------------------------------------

durable_store_actor start_store(pointer self) {
  const auto& store = self->state.environment.store;
  return self->state.environment.detached_store
             ? self->spawn<caf::monitored + caf::detached>(durable_store, store)
             : self->spawn<caf::monitored>(durable_store, store);
}

connector_registry_actor start_connectors(pointer self) {
  const auto& [environment, handles] = std::tie(self->state.environment, self->state.handles);
  return self->spawn<caf::monitored>(
      connector_registry,
      connector_registry_dependencies{.store = handles.store,
                                      .audit = handles.audit,
                                      .tunnels = environment.tunnel_control,
                                      .configuration = handles.configuration,
                                      .clock = environment.clock,
                                      .renew_after = environment.connectors.renew_after,
                                      .tunnels_per_connector = environment.connectors.tunnels,
                                      .exchanges_per_tunnel = environment.connectors.exchanges});
}

certificate_authority_actor start_authority(pointer self) {
  const auto& [environment, handles] = std::tie(self->state.environment, self->state.handles);
  return self->spawn<caf::monitored>(
      certificate_authority,
      certificate_authority_dependencies{
          .store = handles.store,
          .audit = handles.audit,
          .configuration = handles.configuration,
          .connectors = handles.connectors,
          .clock = environment.clock,
          .random = environment.random,
          .wrapping_keys = environment.wrapping_keys,
          .certificate_lifetime = environment.connectors.certificate_lifetime});
}

session_registry_actor start_sessions(pointer self) {
  const auto& [environment, handles] = std::tie(self->state.environment, self->state.handles);
  return self->spawn<caf::monitored>(
      session_registry,
      session_registry_dependencies{.store = handles.store,
                                    .audit = handles.audit,
                                    .clock = environment.clock,
                                    .session_lifetime = environment.session.lifetime});
}

cluster_directory_actor start_cluster(pointer self) {
  const auto& [environment, handles] = std::tie(self->state.environment, self->state.handles);
  return self->spawn<caf::monitored>(
      cluster_directory, cluster_directory_dependencies{.settings = environment.cluster,
                                                        .store = handles.store,
                                                        .connectors = handles.connectors,
                                                        .transport = environment.transport,
                                                        .gate = environment.gate,
                                                        .clock = environment.clock,
                                                        .random = environment.random});
}

/// Starts one child with the handles of those before it; returns its address.
caf::actor_addr start(pointer self, child c) {
  auto& handles = self->state.handles;
  const auto& environment = self->state.environment;
  switch (c) {
    case child::store:
      return (handles.store = start_store(self)).address();
    case child::audit:
      return (handles.audit =
                  self->spawn<caf::monitored>(audit_log, handles.store, environment.clock))
          .address();
    case child::configuration:
      return (handles.configuration = self->spawn<caf::monitored>(
                  configuration, configuration_dependencies{handles.store, handles.audit,
                                                            environment.service_hosts}))
          .address();
    case child::tokens:
      return (handles.tokens =
                  self->spawn<caf::monitored>(token_verifier, environment.key_source,
                                              environment.clock, environment.session.leeway))
          .address();
    case child::sessions:
      return (handles.sessions = start_sessions(self)).address();
    case child::connectors:
      return (handles.connectors = start_connectors(self)).address();
    case child::authority:
      return (handles.authority = start_authority(self)).address();
    case child::cluster:
      return (handles.cluster = start_cluster(self)).address();
  }
  return {};
}

void start_ready(pointer self) {
  const auto ready = self->state.children.ready_to_start();
  if (ready.empty()) return;
  for (const auto c : ready)
    self->state.children.started(c, start(self, c), self->clock().now());
  self->state.shared = std::make_shared<const node_handles>(self->state.handles);
  for (const auto& subscriber : self->state.subscribers)
    self->send(subscriber, update_atom_v, self->state.shared);
}

// -- ending ---------------------------------------------------------------------------------------

void stop_child(pointer self, child c) {
  stop(self->state.children.address_of(c), caf::exit_reason::user_shutdown);
}

void stop_next(pointer self) {
  if (self->state.children.all_down()) return self->quit();
  const auto next = self->state.children.next_to_stop();
  if (!next) return;
  stop_child(self, *next);
  self->delayed_send(self, stop_timeout, expire_atom_v, ++self->state.epoch);
}

void shut(pointer self) {
  if (std::exchange(self->state.shutting, true)) return;
  stop_next(self);
}

void kill_stopping(pointer self) {
  for (const auto c : self->state.children.stopping()) {
    spdlog::error("actor {} does not end and is killed", to_string(c));
    stop(self->state.children.address_of(c), caf::exit_reason::kill);
  }
}

void on_child_down(pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  const auto after = state.children.ended(down.source, self->clock().now());
  // In the shut-down, too: whoever counts as told to end is waited for.
  for (const auto c : after.stop)
    stop_child(self, c);
  if (state.shutting) return stop_next(self);
  if (!after.crashed) return start_ready(self);
  spdlog::error("actor {} ended ({}); restart in {} ms", to_string(*after.crashed),
                runtime::to_string(runtime::from_caf(down.reason)), after.pause.count());
  self->delayed_send(self, after.pause, tick_atom_v, ++state.epoch);
  self->delayed_send(self, stop_timeout, expire_atom_v, state.epoch);
}

void on_down(pointer self, const caf::down_msg& down) {
  const auto gone = std::erase_if(self->state.subscribers, [&](const auto& subscriber) {
    return subscriber.address() == down.source;
  });
  if (gone == 0) on_child_down(self, down);
}

node_handles_ptr subscribe(pointer self, const handles_subscriber_actor& who) {
  auto& subscribers = self->state.subscribers;
  if (std::ranges::find(subscribers, who) == subscribers.end()) {
    self->monitor(who);
    subscribers.push_back(who);
  }
  return self->state.shared;
}

}  // namespace

node_supervisor_state::~node_supervisor_state() {
  for (size_t i = child_count; i-- > 0;)
    if (const auto c = static_cast<child>(i); children.phase_of(c) != child_phase::down)
      stop(children.address_of(c), caf::exit_reason::user_shutdown);
}

node_supervisor_self_actor::behavior_type node_supervisor(pointer self,
                                                          node_environment environment) {
  report_crashes(self);
  self->state.environment = std::move(environment);
  self->set_down_handler([self](const caf::down_msg& down) { on_down(self, down); });
  self->set_exit_handler([self](const caf::exit_msg&) { shut(self); });
  start_ready(self);
  return {
      [self](subscribe_atom, const handles_subscriber_actor& who) { return subscribe(self, who); },
      [self](lookup_atom) { return self->state.shared; },
      [self](shut_atom) { shut(self); },
      [self](tick_atom, uint64_t epoch) {
        if (epoch != self->state.epoch || self->state.shutting) return;
        self->state.children.pause_over();
        start_ready(self);
      },
      [self](expire_atom, uint64_t epoch) {
        if (epoch == self->state.epoch) kill_stopping(self);
      },
  };
}

}  // namespace postern::actors
