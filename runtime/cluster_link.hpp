#pragma once
// CAF's network between the nodes of a cluster: offering an actor to the others, reaching theirs.
// The one place that knows CAF's I/O, because a later CAF will do it otherwise. Who uses it:
// edge/cluster_gate.
//
// CAF gets to see members only. Connections are dialled and accepted by a shard, with TLS of ours
// (cluster_tls); once the peer has proven to be a member, CAF is given one end of a pair of unnamed
// sockets, and a relay carries the bytes. CAF's own TLS would not do: a handshake that fails leaves
// errors in OpenSSL's queue of the thread that all its connections share, and the next one to wait
// for bytes finds them there and ends; and its connect(2) blocks that thread.

#include "config/endpoint.hpp"
#include "runtime/actor_port.hpp"
#include "runtime/cluster_tls.hpp"

#include <caf/actor_system_config.hpp>

#include <memory>

namespace postern::runtime {

/// A node that says nothing for so long is out: its actors are down for whoever monitors them.
/// Heartbeats and this bound are off in CAF unless they are set; a peer that is frozen is noticed
/// within their sum.
inline constexpr auto cluster_heartbeat = std::chrono::milliseconds{500};
inline constexpr auto cluster_silence = std::chrono::milliseconds{2'000};

/// From the first packet to the end of the handshake, whichever side dials. Members are near each
/// other.
inline constexpr auto cluster_handshake_timeout = std::chrono::milliseconds{2'000};

/// Connections that have not yet proven to be a member's: what is more is closed unseen. A cluster
/// that starts has one for each node.
inline constexpr size_t largest_cluster_handshakes = 64;

/// Adds CAF's network to the configuration of an actor system that is to be made. By itself it
/// neither listens nor dials.
void load_cluster_link(caf::actor_system_config& config);

/// This node's connections with the others. Lives on one shard, whose thread (or nobody's, before
/// it runs) makes and destroys it; that ends all of them.
class cluster_link {
 public:
  /// `system` was made with load_cluster_link() and must outlive the object, as must `home`.
  cluster_link(caf::actor_system& system, shard& home, cluster_files files);
  ~cluster_link();
  cluster_link(const cluster_link&) = delete;
  cluster_link& operator=(const cluster_link&) = delete;

  /// Offers an actor to the other members at an address of this machine; port 0: any. Returns the
  /// port. Any thread, once. Errors: `unavailable` "cluster_listen".
  result<uint16_t> publish(const caf::actor& offered, const config::endpoint& at);

  /// Returns the actor that a node offers. One that does not answer holds up nobody else. `port` is
  /// the caller's, on the same shard. Errors: those of dial() and make_cluster_connection(),
  /// `bad_gateway` "tls_handshake", and `unavailable` "cluster_unreachable".
  awaitable<result<caf::strong_actor_ptr>> connect(actor_port& port, config::endpoint node,
                                                   std::chrono::milliseconds timeout);

 private:
  struct state;
  std::shared_ptr<state> state_;  ///< also held by its coroutines
};

}  // namespace postern::runtime
