#pragma once
// The other nodes of the cluster and the connectors that are wanted from them, as plain data. Who
// uses it: cluster_directory, which does what these functions return.

#include "actors/cluster_wire.hpp"
#include "actors/contracts.hpp"
#include "runtime/random_source.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace postern::actors {

/// Between attempts to reach a node: soon enough that a healed network is used within seconds.
inline constexpr milliseconds peer_back_off{250};
inline constexpr milliseconds peer_back_off_cap{3'000};
/// A node that was asked for a connector had this long: then the next one is.
inline constexpr milliseconds summon_patience{500};
/// With this ends what was wanted, unless it was called for again (call_again of group_queue).
inline constexpr std::chrono::seconds wanted_for{30};

/// Of two nodes the one whose name is smaller dials: CAF would drop one of two connections that are
/// made at once, and each side might choose another.
class cluster_table {
 public:
  using time_point = std::chrono::steady_clock::time_point;  ///< the actor's clock

  explicit cluster_table(std::string own = {}) : own_(std::move(own)) {}

  /// The nodes that are there by the membership table or by configuration; others are forgotten
  /// once they are not connected.
  void set_members(const std::set<std::string>& addresses, time_point now);

  /// Nodes to be dialled now; each counts as being dialled until `linked` or `failed`.
  std::vector<std::string> take_due(time_point now);
  void failed(const std::string& address, runtime::random_source& random, time_point now);
  /// A node was reached. Its presence is still to come.
  void linked(const std::string& address, cluster_peer_actor peer);

  /// Takes over what a node said, and who it is. True if the node was not connected before.
  bool heard(const presence& said, const cluster_peer_actor& peer);
  /// A link is gone; returns the node's address, empty if it is nobody's.
  std::string lost(const caf::actor_addr& peer, runtime::random_source& random, time_point now);

  /// Those who are to be told of a change here.
  std::vector<cluster_peer_actor> peers() const;
  std::vector<cluster_node> list() const;

  /// A connector of a group is wanted here. Returns whom to ask for it now, if anybody.
  std::optional<cluster_peer_actor> want(const std::string& group, time_point now);
  /// The next one to ask for each group that is still wanted and was answered by nobody.
  std::vector<std::pair<std::string, cluster_peer_actor>> ask_again(time_point now);
  /// These groups have tunnels here: they are not wanted any more.
  void arrived(const std::vector<std::string>& groups);

 private:
  struct entry {
    cluster_node shown;
    cluster_peer_actor peer;  ///< null: no link
    bool member = false;
    bool dialling = false;
    unsigned failures = 0;
    time_point next_dial{};
  };
  struct wish {
    time_point until{};
    time_point next_ask{};
    size_t asked = 0;  ///< counts, for turns
  };

  std::optional<cluster_peer_actor> ask(const std::string& group, wish& w, time_point now);

  std::string own_;
  std::map<std::string, entry> nodes_;  ///< by address
  std::map<std::string, wish> wanted_;  ///< by group
};

}  // namespace postern::actors
