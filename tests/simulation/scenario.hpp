#pragma once
// What happens to a world, written down in TOML (tests/simulation/scenarios) or drawn from a seed.

#include "runtime/error.hpp"
#include "tests/simulation/timeline.hpp"

#include <string>
#include <vector>

namespace postern::simulation {

/// One thing that goes wrong, or is put right.
struct fault {
  milliseconds at{0};  ///< after the world has started
  std::string action;  ///< kill, restart, freeze, freeze_at_step (a connector, as soon as an
                       ///< exchange has come so far), thaw, partition, heal, slow, lose, drain,
                       ///< skew, store_down, store_up, store_loses_answer, crash_actor,
                       ///< revoke_session, revoke_connector, publish
  /// A machine ("node-0", "connector-a1"; "store" has links only), "A~B" for the link of two,
  /// "ACTOR" or "NODE/ACTOR" for crash_actor. "random" stands for any machine or actor,
  /// "random-node" and "random-connector" for one of those. Of a single machine, partition, slow,
  /// heal and lose take all links.
  std::string target;
  milliseconds by{0};     ///< skew and slow: how much
  milliseconds lasts{0};  ///< put right after this; 0: at the end, or by another line
};

struct scenario {
  std::string name = "random";
  bool random = true;  ///< faults are drawn from the seed
  std::vector<fault> faults;
  unsigned nodes = 0;       ///< 0: drawn from the seed, 1 to 3
  unsigned connectors = 3;  ///< of the first group; the second has one fewer
  uint32_t capacity = 6;    ///< exchanges at once per tunnel
  milliseconds duration{25'000};
  milliseconds gap{70};  ///< mean time between two requests
  unsigned days = 0;     ///< virtual days after the faults
  // -- what must hold beyond the invariants
  bool expect_no_failure = false;  ///< every exchange is served
  std::string allowed;             ///< but for this outcome; empty: none
  milliseconds slowest{0};         ///< no exchange takes longer; 0: no bound
};

/// Reads a scenario file. Errors say which line.
runtime::result<scenario> load_scenario(const std::string& path);

}  // namespace postern::simulation
