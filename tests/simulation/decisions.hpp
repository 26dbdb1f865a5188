#pragma once
// What was decided at one node (a session or a connector revoked, a change published), and from
// when on every other node has to act by it. Who uses it: the world's invariants.

#include "tests/simulation/timeline.hpp"

#include <string>

namespace postern::simulation {

/// From the answer to a decision until it is in force at every node that is told of commits.
inline constexpr std::chrono::seconds in_force_within{1};

class decisions {
 public:
  /// It has been answered as done. The first time counts.
  void made(const std::string& what, const std::string& node, actor_time now) {
    all_.try_emplace(what, decision{node, now});
  }

  /// Whether a node has to act by it for whatever came to it at `at`. `touch`: since when it has
  /// been told of every commit; none: it may not know. Where it was made it holds at once.
  bool in_force(const std::string& what, const std::string& node, std::optional<actor_time> touch,
                actor_time at) const {
    const auto found = all_.find(what);
    if (found == all_.end()) return false;
    if (found->second.node == node) return at > found->second.at;
    return touch && at > std::max(found->second.at, *touch) + in_force_within;
  }

 private:
  struct decision {
    std::string node;
    actor_time at;
  };
  std::map<std::string, decision> all_;
};

}  // namespace postern::simulation
