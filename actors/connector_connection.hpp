#pragma once
// One tunnel, from hello to its end. Spawned and monitored by connector_registry when it lets the
// tunnel in; told by the edge, which owns the socket, how the tunnel fares.

#include "actors/contracts.hpp"

#include <string>

namespace postern::actors {

/// The states of a tunnel and the legal ways between them: serving <-> silent, either of them ->
/// draining, and any -> ended.
enum class connection_phase : uint8_t {
  serving,   ///< attached to the group's queue: may get exchanges
  silent,    ///< attached, but its connector was not heard: gets none until it is
  draining,  ///< detached: those it has may finish
  ended,     ///< closed or cut; the actor quits
};

struct connector_connection_dependencies {
  group_queue_actor queue;       ///< of the connector's group
  tunnel_control_actor tunnels;  ///< cuts the socket
};

/// The rules: while `serving` or `silent` exactly one queue knows the tunnel, afterwards none.
struct connector_connection_state {
  static constexpr const char* name = "connector_connection";

  /// Whether the queue knows the tunnel.
  bool attached() const noexcept { return phase <= connection_phase::silent; }

  /// Makes a legal transition and logs it; a transition that is not legal is a defect of ours.
  void enter(connection_phase next, const std::string& why);

  tunnel_info info;
  connection_phase phase = connection_phase::serving;
  group_queue_actor queue;
  tunnel_control_actor tunnels;
};

/// The name of a phase, as logs print it.
const char* to_string(connection_phase p) noexcept;

/// Attaches to the queue at once. Quits when the tunnel is closed or revoked; an exit message cuts
/// the tunnel too, because nobody would own it.
connector_connection_actor::behavior_type connector_connection(
    connector_connection_actor::stateful_pointer<connector_connection_state> self, tunnel_info info,
    connector_connection_dependencies deps);

}  // namespace postern::actors
