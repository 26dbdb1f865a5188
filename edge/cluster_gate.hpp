#pragma once
// This node as the other nodes of the cluster see it, and the way to them.

#include "actors/contracts.hpp"
#include "config/node.hpp"
#include "runtime/actor_port.hpp"
#include "runtime/cluster_link.hpp"

#include <functional>

namespace postern::edge {

/// Lives on one shard, whose thread (or nobody's, before it runs) makes and destroys it. Stays the
/// same while the directory behind it may be restarted.
class cluster_gate {
 public:
  /// Where messages of other nodes go; asked on the shard for each of them, may be null.
  using directory_lookup = std::function<actors::cluster_directory_actor()>;

  /// `options` and `system` must outlive the object.
  cluster_gate(const config::cluster_options& options, caf::actor_system& system,
               runtime::shard& home, directory_lookup directory);
  ~cluster_gate();
  cluster_gate(const cluster_gate&) = delete;
  cluster_gate& operator=(const cluster_gate&) = delete;

  /// Lets other nodes in. Any thread.
  runtime::result<void> open();

  actors::cluster_peer_actor peer() const { return gate_.as<actors::cluster_peer_actor>(); }
  actors::cluster_transport_actor transport() const {
    return transport_.as<actors::cluster_transport_actor>();
  }

 private:
  runtime::awaitable<void> dial(std::string address, runtime::actor_port::responder answer);

  const config::cluster_options& options_;
  caf::actor_system& system_;
  runtime::shard& home_;
  runtime::actor_port gate_;
  runtime::actor_port transport_;
  runtime::cluster_link link_;
  /// Expires with this object: CAF may answer later than that.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::edge
