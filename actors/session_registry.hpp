#pragma once
// The actor that finds, wakes and revokes sessions. Who uses it: the edge once per connection or
// cookie, the admin API.

#include "actors/contracts.hpp"
#include "actors/revocations.hpp"
#include "actors/session_table.hpp"

namespace postern::actors {

/// Sessions held in memory, some 100 MB at worst. Beyond it the one not woken for the longest time
/// ends; its cookie can wake it again, so nobody is signed out.
inline constexpr size_t live_session_limit = 100'000;
/// How often revocations are looked through for those that may be forgotten.
inline constexpr std::chrono::minutes revocation_sweep_interval{10};

/// The live sessions and the revocations. Ending it, however that comes, ends the live sessions
/// too: their cookies wake them at its successor.
class session_registry_state {
 public:
  static constexpr const char* name = "session_registry";
  /// Declared, because CAF would pass `self` to the first member of an aggregate.
  session_registry_state() = default;
  ~session_registry_state();

  /// Whether a session that a valid cookie carries may be woken. Errors: `unauthenticated` with the
  /// cause "session_revoked" or "session_expired"; `unavailable` with "store_unavailable" as long
  /// as the revocations could not be read, because a revoked session must not slip in then.
  runtime::result<void> admit(const access_session& session, timestamp now) const;

  /// Whether an access token may still be used. Errors: `unauthenticated` "token_revoked";
  /// `unavailable` "store_unavailable" as of admit.
  runtime::result<void> check(const verified_token& token) const;

  durable_store_actor store;
  audit_log_actor audit;
  const runtime::wall_clock* clock = nullptr;
  size_t limit = live_session_limit;
  revocations revoked;
  session_table live;
  bool loading = true;        ///< the first answer of the store is awaited: wakes wait, too
  bool loaded = false;        ///< the revocations are known
  uint64_t own_revision = 0;  ///< of the last commit of ours: news of it are none
};

struct session_registry_dependencies {
  durable_store_actor store;
  audit_log_actor audit;
  const runtime::wall_clock* clock = nullptr;  ///< must outlive the actor
  std::chrono::seconds session_lifetime{0};    ///< no session lives longer
  size_t live_limit = live_session_limit;
};

/// Spawns and monitors one user_session per live session. A revocation is in force at once and
/// answered when it is durable. That of a user which another node has recorded counts up to the
/// time of this node, and the record is raised to it (revocations::hear).
session_registry_actor::behavior_type session_registry(
    session_registry_actor::stateful_pointer<session_registry_state> self,
    session_registry_dependencies deps);

}  // namespace postern::actors
