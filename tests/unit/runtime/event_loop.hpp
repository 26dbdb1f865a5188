#pragma once
// Runs a shard's event loop on the test's own thread, for as long as a test needs something of it.

#include "runtime/shard.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <chrono>
#include <utility>

namespace postern::test {

/// Runs handlers until `done()` holds; false if it does not within a time that no sound machine
/// needs.
template <class Condition>
bool run_until(runtime::shard& s, Condition done) {
  using namespace std::chrono_literals;
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (!done()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    if (s.io().stopped()) s.io().restart();
    s.io().run_one_for(100ms);
  }
  return true;
}

/// Runs the handlers that are ready now, and those that they make ready.
inline void run_ready(runtime::shard& s) {
  if (s.io().stopped()) s.io().restart();
  s.io().poll();
}

/// Starts a coroutine on the shard. `f` is kept until it has returned.
template <class F>
void start(runtime::shard& s, F f) {
  boost::asio::co_spawn(s.get_executor(), std::move(f), boost::asio::detached);
}

}  // namespace postern::test
