#pragma once
// The heartbeat of a tunnel as its node sees it: when to ask whether the connector is there, when
// to stop giving it exchanges, when to give it up. Who uses it: edge/tunnel; the simulation. Counts
// ticks that this process has lived through, so its own standing still counts for nothing.

#include <chrono>
#include <cstdint>

namespace postern::actors {

/// How often either end of a tunnel looks whether the other was heard.
inline constexpr std::chrono::milliseconds heartbeat_tick{500};
/// Ticks of silence after which a ping is sent: a healthy peer is heard once a second.
inline constexpr unsigned ping_after_ticks = 2;
/// Ticks of silence after which a connector gets nothing more and what it has not started goes
/// elsewhere: 2 to 2.5 s, so that a frozen one has left the rotation within 3 s.
inline constexpr unsigned silent_after_ticks = 5;
/// Ticks of silence after which the tunnel is cut. Until then a connector that thaws may still
/// bring the responses of what had reached the origin: failing those earlier would help nobody.
inline constexpr unsigned give_up_after_ticks = 60;

/// What a tick asks for.
enum class heartbeat_step : uint8_t {
  none,
  ping,
  silent,  ///< out of the rotation; ping as well
  back,    ///< heard again: into the rotation
  give_up,
};

class peer_watch {
 public:
  /// Anything at all has arrived.
  void heard() noexcept { quiet_ticks_ = 0; }
  /// Every heartbeat_tick.
  heartbeat_step tick() noexcept;
  /// Whether the connector is out of the rotation.
  bool silent() const noexcept { return silent_; }

 private:
  unsigned quiet_ticks_ = 0;
  bool silent_ = false;
};

}  // namespace postern::actors
