#include "actors/peer_watch.hpp"

namespace postern::actors {

heartbeat_step peer_watch::tick() noexcept {
  if (++quiet_ticks_ >= give_up_after_ticks) return heartbeat_step::give_up;
  if (silent_ && quiet_ticks_ == 1) {
    silent_ = false;
    return heartbeat_step::back;
  }
  if (!silent_ && quiet_ticks_ >= silent_after_ticks) {
    silent_ = true;
    return heartbeat_step::silent;
  }
  return quiet_ticks_ >= ping_after_ticks ? heartbeat_step::ping : heartbeat_step::none;
}

}  // namespace postern::actors
