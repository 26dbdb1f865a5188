#pragma once
// Which other nodes there are and which groups have live tunnels there; brings connectors from
// there to here (the rendezvous). Who uses it: connector_registry says what is here and what is
// wanted, the edge hands in what other nodes say. Its rules stand in cluster_table.hpp and
// cluster_members.hpp.

#include "actors/cluster_table.hpp"
#include "actors/contracts.hpp"
#include "actors/dispatch_board.hpp"
#include "runtime/random_source.hpp"

#include <string>
#include <vector>

namespace postern::actors {

/// What is due is looked after this often.
inline constexpr milliseconds cluster_tick{100};
/// Nodes tell each other all they know this often besides when it changes: whatever was missed when
/// one of these actors was restarted is known again by then.
inline constexpr std::chrono::seconds presence_interval{5};

struct cluster_settings {
  std::string address;  ///< of this node among the nodes, "IP:port", its name; empty: it is alone
  std::string connectors_address;  ///< where connectors reach this very node, "IP:port"
  std::vector<std::string> peers;  ///< the other nodes' addresses; empty: the membership table
  std::string version;             ///< of this program
};

struct cluster_directory_dependencies {
  cluster_settings settings;
  durable_store_actor store;
  connector_registry_actor connectors;
  cluster_transport_actor transport;           ///< null if the node is alone
  cluster_peer_actor gate;                     ///< this node as others see it; null if it is alone
  const runtime::wall_clock* clock = nullptr;  ///< must outlive the actor, as must `random`
  runtime::random_source* random = nullptr;
};

class cluster_directory_state {
 public:
  using pointer = cluster_directory_actor::stateful_pointer<cluster_directory_state>;
  static constexpr const char* name = "cluster_directory";

  explicit cluster_directory_state(pointer self) : self_(self) {}

  void begin(cluster_directory_dependencies deps);

  /// A node has said something. What cannot be read is logged and left alone.
  void on_message(const cluster_peer_actor& from, const std::string& bytes);
  void on_groups(std::vector<std::string> groups);
  void on_wanted(const std::string& group);
  void on_news(const std::vector<runtime::store_news>& news);
  void on_down(const caf::down_msg& down);
  void on_tick();
  caf::result<void> leave();
  std::vector<cluster_node> list() const { return table_.list(); }

 private:
  actor_time now() const;
  void load_members();
  void put_own_record();
  void dial(const std::string& address);
  void send(const cluster_peer_actor& to, const cluster_message& message);
  presence own_presence(bool asks) const;
  void ask(const std::string& group, const cluster_peer_actor& peer);
  void hear(const presence& said, const cluster_peer_actor& from);

  pointer self_;
  cluster_directory_dependencies deps_;
  cluster_table table_;
  std::vector<std::string> groups_;  // with live tunnels here
  actor_time next_presence_{};
  actor_time next_record_{};
  bool alone_ = true;
  bool leaving_ = false;
};

/// Dials the nodes that the membership table (or the settings) name, tells them which groups have
/// tunnels here, and forgets what a node said once its link is gone: unknown means that nobody is
/// asked there. Ends when told to; alone, it does nothing.
cluster_directory_actor::behavior_type cluster_directory(cluster_directory_state::pointer self,
                                                         cluster_directory_dependencies deps);

}  // namespace postern::actors
