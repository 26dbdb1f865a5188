#pragma once
// CAF's network between the nodes of a cluster: who may be a member, offering an actor to the
// others, reaching theirs. The one place that knows CAF's I/O, because a later CAF will do it
// otherwise. Who uses it: edge/cluster_gate.

#include "config/endpoint.hpp"
#include "runtime/actor_port.hpp"

#include <caf/actor_system_config.hpp>

#include <string>

namespace postern::runtime {

/// A node that says nothing for so long is out: its actors are down for whoever monitors them.
/// Heartbeats and this bound are off in CAF unless they are set; a peer that is frozen is noticed
/// within their sum.
inline constexpr auto cluster_heartbeat = std::chrono::milliseconds{500};
inline constexpr auto cluster_silence = std::chrono::milliseconds{2'000};

/// What makes a node a member. All three are needed: without them CAF would encrypt and let anybody
/// in. It asks for no names: every certificate of the authority is a full member's, so the
/// authority must be used for nothing else.
struct cluster_files {
  std::string certificate;  ///< PEM chain
  std::string key;          ///< PEM
  std::string authority;    ///< PEM
};

/// Whether the files are there and fit: the key is the certificate's, the authority has signed it,
/// and it is valid now. Errors, all `invalid_input`: "cluster_files_missing",
/// "cluster_certificate".
result<void> check_cluster_files(const cluster_files& files);

/// Adds the network to the configuration of an actor system that is to be made. The files must have
/// been checked; they are read again for every connection.
void load_cluster_link(caf::actor_system_config& config, const cluster_files& files);

/// Offers an actor to the other members at an address of this machine. Blocks for a moment: for
/// start-up only. Errors: `unavailable` "cluster_listen".
result<void> publish_to_cluster(caf::actor_system& system, const caf::actor& gate,
                                const config::endpoint& at);

/// Returns the actor that a node offers. On the port's shard. CAF's own connect(2) blocks a thread
/// that all connections share: a node that does not answer is found out before, by a connection of
/// ours. Errors: those of dial(), and `unavailable` "cluster_unreachable".
awaitable<result<caf::strong_actor_ptr>> connect_to_node(actor_port& port,
                                                         caf::actor_system& system, shard& home,
                                                         config::endpoint node,
                                                         std::chrono::milliseconds timeout);

}  // namespace postern::runtime
