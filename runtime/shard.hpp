#pragma once
// A shard: one thread, one single-threaded io_context, and the turn: what is deferred within one
// pass of the event loop (actor messages, wake-ups, flushes) runs at its end, so that all output of
// a turn leaves in one write per connection.

#include "runtime/awaitable.hpp"
#include "runtime/buffer_pool.hpp"
#include "runtime/coarse_timer.hpp"
#include "runtime/unique_function.hpp"

#include <memory>
#include <span>
#include <vector>

namespace postern::runtime {

/// Something with output to write at the end of the turn. Lives on one shard; take it out before it
/// dies.
class flushable {
 public:
  virtual void flush() = 0;

 protected:
  flushable() = default;
  ~flushable() = default;

 private:
  friend class shard;
  bool queued_ = false;
};

/// An io_context that can let go of what waits on it before it ends.
class event_loop : public asio::io_context {
 public:
  using asio::io_context::io_context;
  void drop_handlers() { shutdown(); }
};

/// One thread's share of the process. Unless said otherwise, members are for the shard's own
/// thread.
class shard {
 public:
  using task = void (*)(void*);

  explicit shard(uint32_t index);
  ~shard();
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  /// The shard whose thread this is, or null.
  static shard* current() noexcept;

  /// Any thread.
  uint32_t index() const noexcept { return index_; }
  /// Any thread.
  asio::io_context& io() noexcept { return io_; }
  /// Any thread.
  executor get_executor() noexcept { return io_.get_executor(); }

  /// Runs `run(argument)` later in this turn, after the handlers that are ready now.
  void defer(task run, void* argument);

  /// Takes what was deferred with `argument` out of the turn; for the destructor of what it points
  /// to.
  void forget_tasks(const void* argument) noexcept;

  /// Calls `f.flush()` at the end of this turn, once however often it was asked for.
  void flush_at_end_of_turn(flushable& f);

  /// Takes `f` out of the turn; for its destructor.
  void forget(flushable& f) noexcept;

  /// Runs `f` on the shard's thread. Any thread.
  void post(unique_function<void()> f);

  coarse_timers& timers() noexcept { return timers_; }
  buffer_pool& buffers() noexcept { return buffers_; }

  /// Room that is free until the caller returns to the event loop; for reading and writing without
  /// a buffer per connection.
  std::span<char> read_scratch() noexcept { return {read_scratch_.get(), scratch_size}; }
  /// The same for what is gathered at the end of a turn.
  std::span<char> write_scratch() noexcept { return {write_scratch_.get(), scratch_size}; }

  static constexpr size_t scratch_size = 256 * 1024;

 private:
  friend class shard_pool;
  void arm_turn();
  void run_turn();

  struct deferred {
    task run;
    void* argument;
  };

  uint32_t index_;
  event_loop io_{1};
  coarse_timers timers_;
  buffer_pool buffers_;
  std::vector<deferred> tasks_, running_tasks_;
  std::vector<flushable*> flushes_, running_flushes_;
  bool turn_armed_ = false;
  std::unique_ptr<char[]> read_scratch_, write_scratch_;
};

}  // namespace postern::runtime
