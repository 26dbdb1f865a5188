#pragma once
// Keeps the certificates that a running node shows fresh: configured files that somebody has
// renewed, an own certificate that has lived half its time.

#include "edge/server_identity.hpp"
#include "runtime/coarse_timer.hpp"
#include "runtime/shard_pool.hpp"

#include <memory>
#include <string>

namespace postern::edge {

/// Looks every few seconds. Lives on the first shard; reads and signs on the blocking pool. What
/// cannot be used is said once in the log, and what was shown before is shown on.
class certificate_watch {
 public:
  /// The references must outlive the pool's work, not only this object.
  certificate_watch(runtime::shard_pool& shards, server_identity& identity);

  /// On the first shard.
  void start() { arm(); }

 private:
  void arm();
  runtime::awaitable<void> look();

  runtime::shard_pool& shards_;
  server_identity& identity_;
  runtime::coarse_timer timer_;
  std::string last_failure_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::edge
