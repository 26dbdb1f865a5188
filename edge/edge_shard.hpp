#pragma once
// One shard's share of the edge: its context, its services, its listening socket, its connections.

#include "edge/connector_door.hpp"
#include "edge/edge_context.hpp"
#include "edge/gatekeeper.hpp"
#include "edge/node_load.hpp"
#include "edge/server_identity.hpp"
#include "edge/sign_in.hpp"
#include "edge/site.hpp"
#include "edge/tunnel.hpp"
#include "edge/user_connection.hpp"

#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>

namespace postern::edge {

/// Made by the node before the shard runs; afterwards everything but the constructor and destructor
/// runs on the shard.
class edge_shard {
 public:
  /// Called on this shard when something was published.
  using routing_listener = std::function<void(const actors::routing&)>;

  edge_shard(edge_context context, caf::actor_system& system, const server_identity& identity,
             routing_listener on_routing);
  ~edge_shard();

  edge_context& context() noexcept { return context_; }

  /// Follows the handles and the routing. Returns once both are there.
  runtime::awaitable<runtime::result<void>> follow(actors::node_supervisor_actor supervisor);

  /// Takes connections of an open, listening socket until drain() or end().
  void listen(runtime::tcp_acceptor acceptor);
  /// Answers http:// with a redirect to https://.
  void listen_redirect(runtime::tcp_acceptor acceptor);

  // -- leaving, in this order (edge/planned_stop)
  /// Takes nobody new, but for those who have connected already; users are told to go elsewhere,
  /// connectors are asked to have tunnels to other nodes ("IP:port" each), by turns.
  void drain(const std::vector<std::string>& other_nodes);

  /// Ends idle connections, announces the end to connectors (GOAWAY, also on idle tunnels); what
  /// runs finishes.
  void leave();

  /// Refuses exchanges that still wait for a connection.
  void stop_waiting();

  /// Ends every connection and tunnel now; their coroutines return soon after.
  void end();

 private:
  struct listening {
    runtime::tcp_acceptor acceptor;
    bool redirecting;
  };

  void start_accepting(runtime::tcp_acceptor acceptor, bool redirecting);
  runtime::awaitable<void> accept_loop(listening& on);
  runtime::awaitable<void> retire(listening& last, std::unique_ptr<counted> open);
  void take(runtime::tcp_socket socket, bool redirecting);
  runtime::awaitable<void> welcome(runtime::tcp_socket socket);
  std::shared_ptr<user_connection> make_connection(runtime::transport connection,
                                                   std::string address);
  runtime::awaitable<void> redirect(runtime::tcp_socket socket);
  void on_message(caf::message& content);
  void take_routing(actors::routing_ptr routing);
  void take_handles(actors::node_handles_ptr handles);
  void tell_full();

  edge_context context_;
  const server_identity& identity_;
  routing_listener on_routing_;
  tunnel_table tunnels_;
  connector_door door_;
  sign_in sign_in_;
  gatekeeper gate_;
  site site_;
  std::vector<std::unique_ptr<listening>> listening_;
  std::unordered_map<user_connection*, std::weak_ptr<user_connection>> connections_;
  /// TLS handshakes under way, and the connections of the plain port.
  std::unordered_set<runtime::transport*> unserved_;
  std::chrono::steady_clock::time_point full_told_;  ///< when the log was told that we are full
};

}  // namespace postern::edge
