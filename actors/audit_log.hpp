#pragma once
// The actor of the audit log. Who uses it: every actor and the edge send `record` and never wait
// for it; the admin API lists.

#include "actors/audit_buffer.hpp"
#include "actors/contracts.hpp"

#include <caf/error.hpp>
#include <caf/typed_response_promise.hpp>

#include <optional>
#include <vector>

namespace postern::actors {

/// How long an event may wait for company before it is written.
inline constexpr std::chrono::seconds audit_interval{1};
/// Look-ups that may wait for a write that is under way; more are refused with "audit_busy".
inline constexpr size_t audit_waiting_limit = 64;

/// The buffer, and what the behavior needs around it.
struct audit_log_state {
  static constexpr const char* name = "audit_log";

  struct waiting_query {
    audit_query query;
    caf::typed_response_promise<std::vector<audit_event>> answer;
  };

  audit_buffer buffer;
  durable_store_actor store;
  const runtime::wall_clock* clock = nullptr;
  std::vector<waiting_query> waiting;  ///< asked while a batch was under way
  std::optional<caf::error> leaving;  ///< told to exit: the reason to end with after the last write
};

/// Writes to `store` what has gathered, each second and at every full batch; a list first writes
/// what it should see. Told to exit, it writes once more, then ends: stop it before the store.
/// `clock` must outlive the actor.
audit_log_actor::behavior_type audit_log(audit_log_actor::stateful_pointer<audit_log_state> self,
                                         durable_store_actor store,
                                         const runtime::wall_clock* clock);

}  // namespace postern::actors
