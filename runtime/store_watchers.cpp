#include "runtime/store_watchers.hpp"

#include <utility>

namespace postern::runtime {

std::shared_ptr<void> store_watchers::add(store_watcher watcher) {
  auto entry = std::make_shared<store_watcher>(std::move(watcher));
  {
    const std::lock_guard lock(mutex_);
    watchers_.push_back(entry);
  }
  return {entry.get(), [all = weak_from_this(), entry](void*) {
            if (const auto list = all.lock()) {
              const std::lock_guard lock(list->mutex_);
              std::erase(list->watchers_, entry);
            }
          }};
}

void store_watchers::tell(const std::vector<store_news>& news) {
  // Held during the calls: whoever drops a handle may rely on it that none is under way.
  const std::lock_guard lock(mutex_);
  for (const auto& watcher : watchers_)
    (*watcher)(news);
}

void store_watchers::tell(const std::vector<store_change>& changes, uint64_t revision) {
  std::vector<store_news> news;
  news.reserve(changes.size());
  for (const auto& change : changes)
    news.push_back({change.kind, change.key, revision});
  tell(news);
}

}  // namespace postern::runtime
