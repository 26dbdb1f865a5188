#include "actors/connector_connection.hpp"

#include "actors/actor_support.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace postern::actors {

namespace {

using connection_pointer = connector_connection_actor::stateful_pointer<connector_connection_state>;

void leave_queue(connection_pointer self, connection_phase next, const std::string& why) {
  auto& state = self->state;
  if (state.attached()) self->send(state.queue, detach_atom_v, state.info.id);
  state.enter(next, why);
}

void cut(connection_pointer self, const std::string& why) {
  auto& state = self->state;
  if (state.phase == connection_phase::ended) return;
  self->send(state.tunnels, shut_atom_v, state.info.id, why);
  leave_queue(self, connection_phase::ended, why);
}

void change_queue(connection_pointer self, group_queue_actor queue) {
  auto& state = self->state;
  if (state.attached() && state.queue != queue) {
    self->send(state.queue, detach_atom_v, state.info.id);
    self->send(queue, attach_atom_v, state.info);
    if (state.phase == connection_phase::silent)
      self->send(queue, silent_atom_v, state.info.id, true);
  }
  state.queue = std::move(queue);
}

void change_silence(connection_pointer self, bool silent) {
  auto& state = self->state;
  const auto next = silent ? connection_phase::silent : connection_phase::serving;
  if (!state.attached() || state.phase == next) return;
  state.enter(next, silent ? "the connector was not heard" : "the connector was heard again");
  self->send(state.queue, silent_atom_v, state.info.id, silent);
}

}  // namespace

const char* to_string(connection_phase p) noexcept {
  switch (p) {
    case connection_phase::serving:
      return "serving";
    case connection_phase::silent:
      return "silent";
    case connection_phase::draining:
      return "draining";
    case connection_phase::ended:
      return "ended";
  }
  return "unknown";
}

void connector_connection_state::enter(connection_phase next, const std::string& why) {
  runtime::ensure(next != phase && (next > phase || attached()),
                  "a tunnel that has left its queue does not come back");
  spdlog::info("tunnel {}.{} of connector {}: {} -> {} ({})", info.id.shard, info.id.number,
               info.connector, to_string(phase), to_string(next), why);
  phase = next;
}

connector_connection_actor::behavior_type connector_connection(
    connection_pointer self, tunnel_info info, connector_connection_dependencies deps) {
  report_crashes(self);
  auto& state = self->state;
  state.info = std::move(info);
  state.queue = std::move(deps.queue);
  state.tunnels = std::move(deps.tunnels);
  self->send(state.queue, attach_atom_v, state.info);
  return {
      [self](drain_atom) {
        if (self->state.attached()) leave_queue(self, connection_phase::draining, "asked to drain");
      },
      [self](silent_atom, bool silent) { change_silence(self, silent); },
      [self](closed_atom, const std::string& why) {
        leave_queue(self, connection_phase::ended, why);
        self->quit();
      },
      [self](revoke_atom, const std::string& why) {
        cut(self, why);
        self->quit();
      },
      [self](update_atom, group_queue_actor& queue) { change_queue(self, std::move(queue)); },
      [self](lookup_atom) {
        return connection_status{self->state.info, self->state.phase == connection_phase::draining};
      },
  };
}

}  // namespace postern::actors
