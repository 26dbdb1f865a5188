#pragma once
// What every part of the edge on one shard shares: the options, the actors, and what is published
// right now.

#include "actors/contracts.hpp"
#include "config/node.hpp"
#include "config/route_table.hpp"
#include "runtime/actor_port.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/shard_pool.hpp"
#include "runtime/tls_context.hpp"

#include <memory>
#include <string>

namespace postern::sts {
class provider;
}

namespace postern::edge {

class published_routes;
class tunnel_table;
struct node_load;

/// Addresses of the service, derived once from the configuration (edge/service_urls.cpp).
struct service_urls {
  std::string service;  ///< "https://connectors.example.com:8443", no slash at the end
  std::string admin;
  std::string issuer;  ///< the default issuer: the built-in STS or sts.issuer of the configuration
  std::string port_suffix;  ///< ":8443", or "" for 443
};

service_urls make_service_urls(const config::node& options);

/// One per shard, used on that shard's thread only. `main` owns it; it outlives every connection.
struct edge_context {
  runtime::shard& home;
  runtime::shard_pool& pool;
  const config::node& options;
  const service_urls& urls;
  const runtime::wall_clock& clock;
  runtime::random_source& random;
  std::shared_ptr<const runtime::key_ring> cookie_keys;
  std::shared_ptr<const runtime::tls_client_context>
      issuer_tls;                ///< for issuers: who is trusted there
  sts::provider* sts = nullptr;  ///< null: an external issuer only

  std::unique_ptr<runtime::actor_port> port;
  actors::node_handles_ptr handles;                   ///< replaced when an actor was restarted
  actors::routing_ptr routing;                        ///< replaced when something was published
  std::shared_ptr<const config::route_table> routes;  ///< of `routing`
  std::shared_ptr<const published_routes>
      published;  ///< of `routing`: what is prepared per application

  tunnel_table* tunnels = nullptr;    ///< of this shard
  std::vector<edge_context*> shards;  ///< the contexts of all shards, by index
  std::shared_ptr<node_load> load;    ///< counts of the whole node
};

}  // namespace postern::edge
