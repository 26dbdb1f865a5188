#pragma once
// Those who watch one store. Internal to the stores.

#include "runtime/store.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace postern::runtime {

/// Any thread. Watchers are called one after the other, under a lock of their own.
class store_watchers : public std::enable_shared_from_this<store_watchers> {
 public:
  /// The handle of store::watch(). It may outlive the store.
  std::shared_ptr<void> add(store_watcher watcher);
  void tell(const std::vector<store_news>& news);
  /// Tells what a commit of this process has done.
  void tell(const std::vector<store_change>& changes, uint64_t revision);

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<store_watcher>> watchers_;
};

}  // namespace postern::runtime
