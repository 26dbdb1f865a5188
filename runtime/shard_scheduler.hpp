#pragma once
// CAF's scheduler on our shards: an actor message between two steps of one request wakes no other
// thread. CAF 0.17 allows it by a module that takes the scheduler's place.

#include "runtime/shard_pool.hpp"

#include <caf/actor_system_config.hpp>

namespace postern::runtime {

/// The configuration of an actor system that runs on `shards`. The pool must be started before the
/// system is created, and stopped after it is destroyed.
class shard_system_config : public caf::actor_system_config {
 public:
  explicit shard_system_config(shard_pool& shards);
  shard_pool& shards() noexcept { return *shards_; }

 private:
  shard_pool* shards_;
};

}  // namespace postern::runtime
