#pragma once
// Crashes on demand, to show what comes of them: ends a long-lived actor as a crash would,
// whereupon its supervisor starts the next one. Who uses it: the admin API of a node that was
// started for trials.

#include "actors/contracts.hpp"
#include "runtime/error.hpp"

#include <cstdint>
#include <string_view>

namespace postern::actors {

/// Whether there is an actor of that name for order_crash(). Error: `not_found` "actor_unknown".
/// Any thread.
runtime::result<void> check_crash_target(std::string_view name);

/// Ends a child of node_supervisor, by the name that logs give it, or the "group_queue" of every
/// group; returns how many were told to end. Those that depend on it end with it: a
/// session_registry takes every user_session along, a connector_registry every group_queue and
/// connector_connection. Errors: those of check_crash_target(). Any thread.
runtime::result<uint64_t> order_crash(const node_handles& handles, const routing& routing,
                                      std::string_view name);

}  // namespace postern::actors
