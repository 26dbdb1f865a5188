#pragma once
// One authenticated session of one user. Who uses it: the edge asks it for every request of the
// session; session_registry spawns and revokes it.

#include "actors/contracts.hpp"

#include <string>

namespace postern::actors {

/// A session that nobody asked for so long gives its memory back; its cookie wakes it again.
inline constexpr std::chrono::minutes session_idle_timeout{10};
/// A revoked session says so to whoever holds it for this long, then ends: the registry refuses its
/// cookie anyway.
inline constexpr std::chrono::seconds session_revoked_linger{1};

/// The session and what became of it.
class user_session_state {
 public:
  static constexpr const char* name = "user_session";
  using time_point = std::chrono::steady_clock::time_point;  ///< the actor's clock

  /// Takes over what the cookie says. To be called once, before anything else.
  void start(access_session session, time_point now);

  /// Decides a request and counts it as use of the session.
  access_decision authorize(const config::application& application, timestamp today,
                            time_point now);

  /// Every later request has to sign in again.
  void revoke(std::string reason);
  bool is_revoked() const noexcept { return !revoked_.empty(); }

  /// How long the session may still be idle; nothing left: its actor ends.
  std::chrono::steady_clock::duration idle_time_left(time_point now) const;

 private:
  access_session session_;
  std::string revoked_;  ///< the reason; empty: in force
  time_point last_used_;
};

/// Answers for `session` until it was idle for session_idle_timeout. A revoked session stays to say
/// so until then. `clock` must outlive the actor.
user_session_actor::behavior_type user_session(
    user_session_actor::stateful_pointer<user_session_state> self, access_session session,
    const runtime::wall_clock* clock);

}  // namespace postern::actors
