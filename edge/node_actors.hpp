#pragma once
// The seams between a node's object graph and its actors. Used by edge/node.

#include "actors/contracts.hpp"
#include "config/node.hpp"
#include "edge/edge_shard.hpp"
#include "runtime/actor_port.hpp"
#include "runtime/shard_scheduler.hpp"
#include "runtime/tls_context.hpp"

#include <memory>
#include <string>
#include <vector>

namespace postern::edge {

/// The actor system on the shards, with the network between nodes if there is a cluster.
struct node_system_config : runtime::shard_system_config {
  node_system_config(runtime::shard_pool& shards, const config::cluster_options& cluster);
};

/// Carries out what tunnel control is told, on the tunnel's shard. Both must outlive the port's
/// messages.
void obey_tunnel_control(runtime::actor_port& port,
                         const std::vector<std::unique_ptr<edge_shard>>& edges);

/// The certificate of the connectors' authority, PEM; waits until there is one. On the port's
/// shard; the port must outlive it. Errors: those of the actors.
runtime::awaitable<runtime::result<std::string>> ask_authority(
    runtime::actor_port& port, actors::node_supervisor_actor supervisor);

/// Whom the node trusts as an issuer: the system's authorities, its own, and the configured ones.
runtime::result<std::shared_ptr<const runtime::tls_client_context>> make_issuer_tls(
    const config::sts_options& sts, std::string own_authority_pem);

}  // namespace postern::edge
