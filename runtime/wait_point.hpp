#pragma once
// Where one coroutine waits for its shard to tell it something: a latch that forgets nothing and
// allocates nothing.

#include "runtime/shard.hpp"

#include <boost/asio/async_result.hpp>

namespace postern::runtime {

/// At most one waiter, on the shard's own thread. A wake() with nobody waiting is kept for the next
/// wait(). Ends on that thread, or after it; then its waiter ends without having passed.
class wait_point {
 public:
  explicit wait_point(shard& s) noexcept : shard_(&s) {}
  ~wait_point() {
    if (waking_) shard_->forget_tasks(this);
  }
  wait_point(const wait_point&) = delete;
  wait_point& operator=(const wait_point&) = delete;

  /// Returns once wake() has been called since the last wait.
  awaitable<void> wait() {
    if (signalled_) {
      signalled_ = false;
      co_return;
    }
    co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(
        [this](auto handler) { waiter_ = std::move(handler); }, use_awaitable);
  }

  /// Wakes the waiter later in this turn.
  void wake() {
    if (!waiter_) {
      signalled_ = true;
      return;
    }
    if (waking_) return;
    waking_ = true;
    shard_->defer(
        [](void* self) {
          auto& point = *static_cast<wait_point*>(self);
          point.waking_ = false;
          auto waiter = std::move(point.waiter_);
          if (waiter) waiter();
        },
        this);
  }

  bool has_waiter() const noexcept { return static_cast<bool>(waiter_); }

 private:
  shard* shard_;
  unique_function<void()> waiter_;
  bool signalled_ = false;
  bool waking_ = false;
};

}  // namespace postern::runtime
