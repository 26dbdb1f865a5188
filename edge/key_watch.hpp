#pragma once
// Keeps a running node's keys, and the built-in STS's knowledge of who has to sign in anew, in step
// with the store, which other nodes and `postern rotate-keys` change.

#include "edge/node_keys.hpp"
#include "runtime/coarse_timer.hpp"
#include "runtime/shard_pool.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace postern::sts {
class provider;
}

namespace postern::edge {

/// Lives on the first shard. Reads on the blocking pool, and tries again while the store is down:
/// the keys at hand stay in use.
class key_watch {
 public:
  /// Takes over a ring of cookie keys; on the first shard.
  using ring_listener = std::function<void(std::shared_ptr<const runtime::key_ring>)>;

  /// `keys` as they were loaded; `sts` may be null. References must outlive the object.
  key_watch(runtime::shard_pool& shards, std::shared_ptr<runtime::store> store,
            const runtime::wall_clock& clock, runtime::random_source& random, sts::provider* sts,
            node_keys keys, ring_listener on_ring);
  ~key_watch();

  /// On the first shard.
  void start();

 private:
  void read_soon();
  runtime::awaitable<void> read();
  void arm(std::chrono::milliseconds wait);

  runtime::shard_pool& shards_;
  runtime::shard& home_;
  std::shared_ptr<runtime::store> store_;
  const runtime::wall_clock& clock_;
  runtime::random_source& random_;
  sts::provider* sts_;
  node_keys keys_;
  ring_listener on_ring_;
  runtime::coarse_timer timer_;
  bool reading_ = false;
  bool again_ = false;  // news came while reading
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<void> watch_;
};

}  // namespace postern::edge
