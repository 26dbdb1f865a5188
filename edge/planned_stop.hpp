#pragma once
// How a running node leaves: users and connectors go elsewhere, what has begun finishes. Used by
// edge/node, on the main thread.

#include "actors/contracts.hpp"
#include "edge/edge_shard.hpp"
#include "edge/stop_signal.hpp"

#include <caf/actor_system.hpp>

#include <memory>
#include <string>
#include <vector>

namespace postern::edge {

/// Takes this node off the membership table and returns where connectors reach the other nodes. The
/// others notice our end by themselves, should the store not take our leave.
std::vector<std::string> leave_cluster(caf::actor_system& system,
                                       const actors::node_supervisor_actor& supervisor);

/// Lets go of users and connectors, in this order:
/// - No new connections. Users are told to go elsewhere (HTTP/2: GOAWAY; HTTP/1.1: `Connection:
///   close`), WebSockets and event streams are told to move; connectors are asked to dial other
///   nodes and go on serving this one.
/// - Once nobody asks any more, or after two seconds: connectors are told (GOAWAY), also on idle
///   tunnels. Exchanges finish, for up to a minute.
/// Returns when nothing is left or it took too long; whoever calls then ends the rest. A second
/// signal makes it return at once.
void let_go(const std::vector<std::unique_ptr<edge_shard>>& edges, const node_load& load,
            const stop_signal& signals, const std::vector<std::string>& other_nodes);

}  // namespace postern::edge
