#include "edge/leave_orders.hpp"

#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace postern::edge {

namespace {

constexpr auto clock_difference = std::chrono::seconds{60};

}  // namespace

runtime::store_change give_leave_order(const std::string& address, runtime::timestamp now) {
  return {.kind = leave_order_kind,
          .key = address,
          .value = std::to_string(runtime::to_unix_seconds(now))};
}

bool is_fresh_leave_order(const std::string& value, runtime::timestamp now) {
  int64_t given = 0;
  const auto* end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, given);
  if (read.ec != std::errc{} || read.ptr != end) return false;
  const auto age = runtime::to_unix_seconds(now) - given;
  return age <= clock_difference.count() && age >= -clock_difference.count();
}

leave_orders::leave_orders(runtime::shard_pool& shards, std::shared_ptr<runtime::store> store,
                           const runtime::wall_clock& clock, std::string own_address,
                           std::function<void()> obey)
    : shards_(shards),
      store_(std::move(store)),
      clock_(clock),
      own_(std::move(own_address)),
      obey_(std::move(obey)) {}

void leave_orders::start() {
  auto& home = shards_.at(0);
  watch_ = store_->watch([this, &home, alive = std::weak_ptr<bool>{alive_}](const auto& news) {
    // Any thread. News without a kind: some were missed.
    if (std::ranges::none_of(news, [this](const auto& one) {
          return one.kind.empty() || (one.kind == leave_order_kind && one.key == own_);
        }))
      return;
    home.post([this, alive] {
      if (!alive.expired()) look_soon();
    });
  });
}

void leave_orders::look_soon() {
  // One look at a time: two would find the same order.
  again_ = true;
  if (std::exchange(looking_, true)) return;
  runtime::asio::co_spawn(shards_.at(0).get_executor(), look(), runtime::asio::detached);
}

runtime::awaitable<void> leave_orders::look() {
  const std::weak_ptr<bool> alive = alive_;
  while (std::exchange(again_, false)) {
    auto take = [store = store_, own = own_, now = clock_.now()] {
      const auto found = store->find(leave_order_kind, own);
      if (!found || !*found || !is_fresh_leave_order((*found)->value, now)) return false;
      // Obeyed once. If this fails the next process does not look at it anyway.
      (void)store->commit(
          {{.what = runtime::store_change::action::erase, .kind = leave_order_kind, .key = own}});
      return true;
    };
    const auto ordered = co_await shards_.run_blocking(std::move(take));
    if (alive.expired()) co_return;
    if (!ordered) continue;
    spdlog::info("an administrator of another node wants this one to leave");
    obey_();
  }
  looking_ = false;
}

}  // namespace postern::edge
