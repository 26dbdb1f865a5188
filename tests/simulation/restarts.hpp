#pragma once
// What edge/restarts promises to a request that meets an actor which has just crashed: it waits for
// the next one. Who uses it: node_exchange, which mirrors it, and the ledger, which checks it.

#include "tests/simulation/timeline.hpp"

#include <string_view>

namespace postern::simulation {

/// From the beginning of a step (waking, deciding, getting a place) until it is given up.
inline constexpr std::chrono::seconds longest_restart_wait{10};
inline constexpr milliseconds pause_between_asking{20};

/// Whether that is what became of an actor: it has ended, another one will come.
inline bool is_crash(std::string_view cause) noexcept {
  return cause == "actor_down" || cause == "queue_ended";
}

}  // namespace postern::simulation
