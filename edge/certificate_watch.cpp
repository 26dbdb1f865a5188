#include "edge/certificate_watch.hpp"

#include "runtime/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace postern::edge {

namespace {

// Whoever renews a certificate by hand looks at the result at once; two small files cost nothing.
constexpr std::chrono::milliseconds pause{5'000};

}  // namespace

certificate_watch::certificate_watch(runtime::shard_pool& shards, server_identity& identity)
    : shards_(shards), identity_(identity) {}

void certificate_watch::arm() {
  auto& home = shards_.at(0);
  home.timers().arm(
      timer_, pause,
      [](void* self) {
        auto& watch = *static_cast<certificate_watch*>(self);
        runtime::asio::co_spawn(watch.shards_.at(0).get_executor(), watch.look(),
                                runtime::asio::detached);
      },
      this);
}

runtime::awaitable<void> certificate_watch::look() {
  const std::weak_ptr<bool> alive = alive_;
  const auto fresh =
      co_await shards_.run_blocking([&identity = identity_] { return identity.refresh(); });
  if (alive.expired()) co_return;
  if (fresh && *fresh) spdlog::info("new certificates are shown from now on");
  const auto failure = fresh ? std::string{} : runtime::to_string(fresh.error());
  if (!failure.empty() && failure != last_failure_)
    spdlog::error("new certificates cannot be used, the old ones are shown on: {}", failure);
  last_failure_ = failure;
  arm();
}

}  // namespace postern::edge
