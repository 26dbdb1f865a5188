#include "runtime/shard_pool.hpp"

#include <pthread.h>
#include <string>

namespace postern::runtime {

void set_current_shard(shard* s) noexcept;

shard_pool::shard_pool(unsigned count) {
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < count; ++i)
    shards_.push_back(std::make_unique<shard>(i));
}

shard_pool::~shard_pool() {
  stop();
}

void shard_pool::start() {
  for (auto& s : shards_) {
    guards_.emplace_back(s->get_executor());
    threads_.emplace_back([&shard = *s] {
      pthread_setname_np(pthread_self(), ("shard-" + std::to_string(shard.index())).c_str());
      set_current_shard(&shard);
      shard.io().run();
      set_current_shard(nullptr);
    });
  }
}

void shard_pool::stop() {
  guards_.clear();
  for (auto& s : shards_)
    s->io().stop();
  for (auto& t : threads_)
    t.join();
  threads_.clear();
  blocking_.join();
}

}  // namespace postern::runtime
