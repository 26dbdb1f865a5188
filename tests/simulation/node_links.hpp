#pragma once
// The links of a node to the other nodes of its cluster. Mirrors edge/cluster_gate and
// runtime/cluster_link, and of CAF's protocol underneath what is seen from above: who says hello
// first, which of two connections counts, heartbeats, and how a node that says nothing is found
// out.

#include "runtime/cluster_link.hpp"
#include "tests/simulation/network.hpp"

#include <caf/typed_response_promise.hpp>

namespace postern::simulation {

class node_process;
class node_links;

/// One connection to another node, as one of the two has it. A link that is established has an
/// actor in this process that stands for the other node's gate.
class node_link : public std::enable_shared_from_this<node_link> {
 public:
  using answer = caf::typed_response_promise<actors::cluster_peer_actor>;

  node_link(node_links& links, connection_ptr wire, connection::end mine);

  machine& peer() const { return wire_->at(mine_ == end::dialler ? end::acceptor : end::dialler); }
  /// Which of the processes on that machine.
  uint64_t generation() const noexcept { return generation_; }
  const actors::cluster_peer_actor& stand_in() const noexcept { return stand_in_; }
  bool established() const noexcept { return stand_in_ != nullptr; }
  actor_time established_at() const noexcept { return established_at_; }

  /// The connection has been accepted: the node says who it is.
  void greet(const std::shared_ptr<node_link>& far);
  /// False if nothing was heard for too long.
  bool beat();
  void drop();

 private:
  using end = connection::end;
  friend class node_links;

  template <class F>
  void tell_far(F what);
  void on_server_hello();
  void on_client_hello();
  void on_message(const std::string& bytes);
  void establish();
  void settle();

  node_links& links_;
  connection_ptr wire_;
  end mine_;
  uint64_t generation_;
  std::shared_ptr<node_link> far_;
  actors::cluster_peer_actor stand_in_;  // null: not established
  actor_time heard_, established_at_{};
  std::string address_;            // that was dialled; empty: it was accepted
  std::vector<answer> questions_;  // of those who dialled
  bool over_ = false;
};

/// Lives as long as the node's process.
class node_links {
 public:
  node_links(node_process& node, machine& on);

  /// What the directory talks to; made by start().
  actors::cluster_transport_actor transport() const { return transport_; }
  actors::cluster_peer_actor gate() const { return gate_; }
  void start();
  /// Since when there is an established link; none: there is not.
  std::optional<actor_time> linked_since(const machine& other) const;
  /// Actors of this process that stand for others, and for this node.
  size_t count() const;
  /// The process has died.
  void forget();

 private:
  friend class node_link;

  void dial(const std::string& address, node_link::answer answer);
  void open(const std::string& address, connection_ptr wire);
  void refuse(const std::string& address);
  void beat();
  std::shared_ptr<node_link> find(const machine& peer, uint64_t generation) const;

  node_process& node_;
  machine& machine_;
  actors::cluster_peer_actor gate_;
  caf::typed_actor<
      caf::replies_to<actors::dial_atom, std::string>::with<actors::cluster_peer_actor>,
      caf::reacts_to<errand>>
      transport_;
  std::vector<std::shared_ptr<node_link>> links_;
  std::map<std::string, std::vector<node_link::answer>> dialling_;  // before there is a connection
};

}  // namespace postern::simulation
