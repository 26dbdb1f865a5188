#include "edge/restarts.hpp"

#include "edge/node_load.hpp"
#include "runtime/wait_point.hpp"

namespace postern::edge {

namespace {

// The longest pause before a restart (actors/supervision.hpp) and as long again for the start.
constexpr auto longest_wait = std::chrono::seconds{10};
// A restart after a first crash takes 100 ms.
constexpr auto pause_between = std::chrono::milliseconds{20};

}  // namespace

bool restart_patience::allows(const runtime::error& why) const {
  return (why.cause == "actor_down" || why.cause == "queue_ended") &&
         !context_.load->draining.load(std::memory_order_relaxed) &&
         std::chrono::steady_clock::now() < begun_ + longest_wait;
}

runtime::awaitable<void> restart_patience::pause() const {
  runtime::wait_point over{context_.home};
  runtime::coarse_timer timer;
  context_.home.timers().arm(
      timer, pause_between, [](void* raw) { static_cast<runtime::wait_point*>(raw)->wake(); },
      &over);
  co_await over.wait();
}

}  // namespace postern::edge
