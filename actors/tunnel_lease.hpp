#pragma once
// Whether a connector may start an exchange that came over a tunnel: the lease that every exchange
// carries. It is tied to the heartbeat, so a connector that stood still, or that its node has given
// up, starts nothing. Who uses it: connector/tunnel; the simulation.

#include "actors/dispatch_board.hpp"
#include "actors/peer_watch.hpp"

namespace postern::actors {

/// After a longer silence of the node nothing is started until a ping was answered. A live node is
/// heard every second. The answer comes behind whatever the node sent before: what it handed
/// elsewhere, or whose user has gone, has been reset by then.
inline constexpr milliseconds lease_duration{1'500};
/// Beats further apart: the process stood still, and so did what it should have heard.
inline constexpr milliseconds stall_bound = 3 * heartbeat_tick;
/// A connector asks after this silence of its node whether it is there ...
inline constexpr milliseconds ask_after{1'000};
/// ... and gives the tunnel up after this: it can dial again.
inline constexpr milliseconds node_lost_after{3'000};

/// One tunnel's lease. Whoever is told to ping sends one ping per ping(), in that order.
class tunnel_lease {
 public:
  enum class step : uint8_t { none, ping, give_up };

  explicit tunnel_lease(actor_time now) noexcept : heard_(now), quiet_since_(now), beaten_(now) {}

  /// Anything has arrived; to be told before what it says has any effect. `ping` if the lease is
  /// lost until its answer.
  step on_heard(actor_time now) noexcept;
  /// Every heartbeat_tick.
  step on_beat(actor_time now) noexcept;
  /// Counts a ping that is sent, and returns its number.
  uint64_t ping() noexcept { return ++pings_; }
  void on_ping_answer() noexcept;

  /// Whether the ping of that number has been answered.
  bool answered(uint64_t ping) const noexcept { return answers_ >= ping; }
  /// Whether an exchange may be started, and content of one that must not be repeated given to its
  /// origin.
  bool holds(actor_time now) const noexcept { return probe_ == 0 && now - heard_ < lease_duration; }

 private:
  void lose() noexcept { probe_ = pings_ + 1; }

  actor_time heard_;        // when anything last arrived
  actor_time quiet_since_;  // the same, but for time in which this process stood still
  actor_time beaten_;       // the last beat
  uint64_t pings_ = 0;
  uint64_t answers_ = 0;
  uint64_t probe_ = 0;  // the ping that must be answered first; 0: none
};

}  // namespace postern::actors
