#include "actors/tunnel_lease.hpp"

namespace postern::actors {

tunnel_lease::step tunnel_lease::on_heard(actor_time now) noexcept {
  const auto lost = now - heard_ >= lease_duration;
  if (lost) lose();
  heard_ = quiet_since_ = now;
  return lost ? step::ping : step::none;
}

tunnel_lease::step tunnel_lease::on_beat(actor_time now) noexcept {
  const auto stalled = now - beaten_ > stall_bound;
  beaten_ = now;
  if (stalled) {
    lose();
    quiet_since_ = now;
    return step::ping;
  }
  if (now - quiet_since_ >= node_lost_after) return step::give_up;
  return now - quiet_since_ >= ask_after ? step::ping : step::none;
}

void tunnel_lease::on_ping_answer() noexcept {
  ++answers_;
  if (answers_ >= probe_) probe_ = 0;
}

}  // namespace postern::actors
