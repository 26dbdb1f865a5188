#pragma once
// All shards of a process and their threads, and a few threads for work that blocks.

#include "runtime/shard.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace postern::runtime {

/// Owns the shards. Created and destroyed by `main`; threads run between start() and stop().
class shard_pool {
 public:
  /// `count` 0: one per core.
  explicit shard_pool(unsigned count);
  ~shard_pool();

  void start();
  /// Ends the event loops once their current handlers have returned, and joins the threads.
  void stop();

  size_t size() const noexcept { return shards_.size(); }
  shard& at(size_t index) noexcept { return *shards_[index]; }
  /// Any thread: the next shard in turn, for work that belongs to none.
  shard& next() noexcept {
    return *shards_[turn_.fetch_add(1, std::memory_order_relaxed) % shards_.size()];
  }

  /// Runs `work` (which may block) on the blocking pool and comes back to the awaiting shard. The
  /// result is moved.
  template <class F>
  awaitable<std::invoke_result_t<F>> run_blocking(F work);

 private:
  std::vector<std::unique_ptr<shard>> shards_;
  std::vector<std::thread> threads_;
  std::vector<asio::executor_work_guard<executor>> guards_;
  std::atomic<size_t> turn_{0};
  asio::thread_pool blocking_{2};
};

template <class F>
awaitable<std::invoke_result_t<F>> shard_pool::run_blocking(F work) {
  using value = std::invoke_result_t<F>;
  auto home = co_await asio::this_coro::executor;
  auto initiate = [this, home](auto handler, F job) {
    asio::post(blocking_, [home, job = std::move(job), handler = std::move(handler)]() mutable {
      std::exception_ptr failure;
      std::optional<value> outcome;
      try {
        outcome.emplace(job());
      } catch (...) {
        failure = std::current_exception();
      }
      // Moved, so that nothing of it is left to this thread to destroy.
      asio::post(home, [handler = std::move(handler), failure = std::move(failure),
                        outcome = std::move(outcome)]() mutable {
        if (failure)
          handler(std::move(failure), value{});
        else
          handler(nullptr, std::move(*outcome));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<executor>,
                                          void(std::exception_ptr, value)>(initiate, use_awaitable,
                                                                           std::move(work));
}

}  // namespace postern::runtime
