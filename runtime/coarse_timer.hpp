#pragma once
// Cheap deadlines: thousands of connections arm and disarm one for every read. Resolution 50 ms,
// never early.

#include "runtime/awaitable.hpp"

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstdint>

namespace postern::runtime {

class coarse_timers;

/// One deadline. Owned by whoever needs it, lives on one shard; destroying it disarms it.
class coarse_timer {
 public:
  using callback = void (*)(void*);

  coarse_timer() noexcept = default;
  ~coarse_timer() { disarm(); }
  coarse_timer(const coarse_timer&) = delete;
  coarse_timer& operator=(const coarse_timer&) = delete;

  bool armed() const noexcept { return previous_ != nullptr; }
  void disarm() noexcept;

 private:
  friend class coarse_timers;
  coarse_timer* previous_ = nullptr;
  coarse_timer* next_ = nullptr;
  uint64_t due_ = 0;
  callback callback_ = nullptr;
  void* argument_ = nullptr;
};

/// A hashed wheel of 512 slots. One per shard; every member only on the shard's thread.
class coarse_timers {
 public:
  explicit coarse_timers(asio::io_context& io);
  ~coarse_timers();
  coarse_timers(const coarse_timers&) = delete;
  coarse_timers& operator=(const coarse_timers&) = delete;

  /// Calls `call(argument)` once after `delay`, from the shard's event loop. Re-arms a timer that
  /// is armed.
  void arm(coarse_timer& timer, std::chrono::milliseconds delay, coarse_timer::callback call,
           void* argument);

  /// Stops the wheel; no callback runs afterwards.
  void stop();

 private:
  static constexpr std::chrono::milliseconds tick_length{50};
  static constexpr size_t slot_count = 512;

  void start();
  void on_tick();
  void run_slot(uint64_t tick);
  uint64_t elapsed_ticks() const noexcept;

  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, executor>
      timer_;
  std::chrono::steady_clock::time_point origin_;
  uint64_t now_ = 0;  ///< ticks since origin_ that have been served
  bool running_ = false;
  bool stopped_ = false;
  uint32_t idle_ticks_ = 0;
  std::array<coarse_timer, slot_count> slots_;  ///< list heads
};

}  // namespace postern::runtime
