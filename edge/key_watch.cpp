#include "edge/key_watch.hpp"

#include "actors/revocations.hpp"
#include "edge/built_in_sts.hpp"
#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace postern::edge {

namespace {

constexpr std::chrono::milliseconds retry_pause{2'000};

bool concerns_us(const std::vector<runtime::store_news>& news) {
  return std::ranges::any_of(news, [](const auto& one) {
    return one.kind.empty() || one.kind == "sealing_key" || one.kind == "sts_key" ||
           one.kind == actors::revoked_user_kind;
  });
}

}  // namespace

key_watch::key_watch(runtime::shard_pool& shards, std::shared_ptr<runtime::store> store,
                     const runtime::wall_clock& clock, runtime::random_source& random,
                     sts::provider* sts, node_keys keys, ring_listener on_ring)
    : shards_(shards),
      home_(shards.at(0)),
      store_(std::move(store)),
      clock_(clock),
      random_(random),
      sts_(sts),
      keys_(std::move(keys)),
      on_ring_(std::move(on_ring)) {}

key_watch::~key_watch() {
  watch_.reset();
}

void key_watch::start() {
  watch_ = store_->watch([this, alive = std::weak_ptr<bool>{alive_}](const auto& news) {
    // Any thread.
    if (!concerns_us(news)) return;
    home_.post([this, alive] {
      if (!alive.expired()) read_soon();
    });
  });
  if (keys_.next_change)
    arm(std::chrono::ceil<std::chrono::milliseconds>(*keys_.next_change - clock_.now()));
}

void key_watch::arm(std::chrono::milliseconds wait) {
  home_.timers().arm(
      timer_, std::max(wait, std::chrono::milliseconds{1}),
      [](void* self) { static_cast<key_watch*>(self)->read_soon(); }, this);
}

void key_watch::read_soon() {
  again_ = true;
  if (std::exchange(reading_, true)) return;
  runtime::asio::co_spawn(home_.get_executor(), read(), runtime::asio::detached);
}

runtime::awaitable<void> key_watch::read() {
  const std::weak_ptr<bool> alive = alive_;
  while (std::exchange(again_, false)) {
    auto load = [store = store_, wrapping = keys_.wrapping, &clock = clock_, &random = random_,
                 sts = sts_]() -> runtime::result<node_keys> {
      if (sts != nullptr)
        if (auto done = refresh_built_in_sts(*sts, *store, clock); !done) return done.error();
      return load_cookie_ring(wrapping, *store, clock, random, key_sharing::shared);
    };
    auto fresh = co_await shards_.run_blocking(std::move(load));
    if (alive.expired()) co_return;
    if (!fresh) {
      spdlog::warn("keys cannot be read: {}", runtime::to_string(fresh.error()));
      arm(retry_pause);
      continue;
    }
    if (fresh->cookies->current_id() != keys_.cookies->current_id())
      spdlog::info("cookies are sealed by key {} from now on", fresh->cookies->current_id());
    keys_ = std::move(*fresh);
    on_ring_(keys_.cookies);
    if (keys_.next_change)
      arm(std::chrono::ceil<std::chrono::milliseconds>(*keys_.next_change - clock_.now()));
  }
  reading_ = false;
}

}  // namespace postern::edge
