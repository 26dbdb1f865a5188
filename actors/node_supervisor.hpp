#pragma once
// Starts the long-lived actors of a node, restarts what crashes, stops them top down. Who uses it:
// `main` of postern spawns it; the edge follows the handles.

#include "actors/cluster_directory.hpp"
#include "actors/contracts.hpp"
#include "actors/supervision.hpp"
#include "config/node.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/random_source.hpp"

#include <memory>
#include <vector>

namespace postern::actors {

/// The interface plus what the actor sends to itself.
using node_supervisor_self_actor = node_supervisor_actor::extend<
    // INTERNAL: the pause after a crash is over. (epoch)
    reacts_to<tick_atom, uint64_t>,
    // INTERNAL: who was told to end must have ended. (epoch)
    reacts_to<expire_atom, uint64_t>>;

/// What the rules of a node need of the world outside of actors/. Pointers must outlive the actor
/// system.
struct node_environment {
  std::shared_ptr<runtime::store> store;
  key_source_actor key_source;          ///< by the edge
  tunnel_control_actor tunnel_control;  ///< by the edge
  const runtime::wall_clock* clock = nullptr;
  runtime::random_source* random = nullptr;
  std::shared_ptr<const runtime::key_ring> wrapping_keys;  ///< for private keys in the store
  config::connector_options connectors;
  config::session_options session;
  cluster_settings cluster;                ///< without an address: the node is alone
  cluster_transport_actor transport;       ///< by the edge; null if the node is alone
  cluster_peer_actor gate;                 ///< by the edge; null if the node is alone
  std::vector<std::string> service_hosts;  ///< the service's own names, which nothing may take
  /// The store's actor gets a thread of its own. Off in deterministic tests only.
  bool detached_store = true;
};

/// The children, their handles, and who follows them. However it ends, it ends its children.
struct node_supervisor_state {
  static constexpr const char* name = "node_supervisor";
  ~node_supervisor_state();

  node_environment environment;
  node_handles handles;
  supervision children;
  node_handles_ptr shared;  ///< a copy of `handles` as it was last told
  std::vector<handles_subscriber_actor> subscribers;
  uint64_t epoch = 0;  ///< of the timer that counts
  bool shutting = false;
};

/// Has started all children when its first message is served. A child that crashes is started again
/// after a pause, together with those that hold its handle; then the new handles are told. Told to
/// shut (or to exit), it tells one child after the other, in reverse order, and ends when all have;
/// one that does not within stop_timeout is killed.
node_supervisor_self_actor::behavior_type node_supervisor(
    node_supervisor_self_actor::stateful_pointer<node_supervisor_state> self,
    node_environment environment);

}  // namespace postern::actors
