#include "actors/user_session.hpp"

#include "actors/access_rules.hpp"
#include "actors/actor_support.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace postern::actors {

void user_session_state::start(access_session session, time_point now) {
  session_ = std::move(session);
  last_used_ = now;
}

access_decision user_session_state::authorize(const config::application& application,
                                              timestamp today, time_point now) {
  last_used_ = now;
  if (!revoked_.empty() && !application.maintenance)
    return {access_verdict::sign_in, "session_revoked"};
  return decide(session_, application, today);
}

void user_session_state::revoke(std::string reason) {
  spdlog::info("session {} of {} is over: {}", session_.id, session_.user.name, reason);
  revoked_ = reason.empty() ? "revoked" : std::move(reason);
}

std::chrono::steady_clock::duration user_session_state::idle_time_left(time_point now) const {
  return session_idle_timeout - (now - last_used_);
}

user_session_actor::behavior_type user_session(
    user_session_actor::stateful_pointer<user_session_state> self, access_session session,
    const runtime::wall_clock* clock) {
  report_crashes(self);
  self->state.start(std::move(session), self->clock().now());
  self->delayed_send(self, session_idle_timeout, expire_atom_v, uint64_t{0});
  return {
      [self, clock](authorize_atom, const access_request& request) -> caf::result<access_decision> {
        if (!request.application)
          return runtime::to_caf({runtime::error_category::internal, "application_missing",
                                  "service", "authorize without an application"});
        return self->state.authorize(*request.application, clock->now(), self->clock().now());
      },
      [self](revoke_atom, std::string& reason) {
        self->state.revoke(std::move(reason));
        self->delayed_send(self, session_revoked_linger, expire_atom_v, uint64_t{0});
      },
      // One timer at a time: a timer per request would cost more than the request's decision.
      [self](expire_atom, uint64_t round) {
        const auto left = self->state.idle_time_left(self->clock().now());
        if (self->state.is_revoked()) return self->quit();
        if (left <= left.zero()) return self->quit();
        self->delayed_send(self, left, expire_atom_v, round + 1);
      },
  };
}

}  // namespace postern::actors
