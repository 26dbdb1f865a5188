#include "edge/restarts.hpp"

#include "edge/node_load.hpp"
#include "runtime/wait_point.hpp"

namespace postern::edge {

bool restart_wait::allows(const runtime::error& why) noexcept {
  return patience_.allows(why, asked_, std::chrono::steady_clock::now()) &&
         !context_.load->draining.load(std::memory_order_relaxed);
}

runtime::awaitable<void> restart_wait::pause() const {
  runtime::wait_point over{context_.home};
  runtime::coarse_timer timer;
  context_.home.timers().arm(
      timer, actors::pause_between_attempts,
      [](void* raw) { static_cast<runtime::wait_point*>(raw)->wake(); }, &over);
  co_await over.wait();
}

}  // namespace postern::edge
