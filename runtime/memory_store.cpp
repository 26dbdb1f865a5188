#include "runtime/store.hpp"
#include "runtime/store_watchers.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace postern::runtime {

namespace {

class memory_store final : public store {
 public:
  result<std::vector<stored_record>> load(const std::string& kind) override {
    const std::lock_guard lock(mutex_);
    std::vector<stored_record> found;
    for (auto at = records_.lower_bound({kind, {}});
         at != records_.end() && at->first.first == kind; ++at)
      found.push_back({kind, at->first.second, at->second.value, at->second.revision});
    return found;
  }

  result<std::optional<stored_record>> find(const std::string& kind,
                                            const std::string& key) override {
    const std::lock_guard lock(mutex_);
    const auto at = records_.find({kind, key});
    if (at == records_.end()) return std::optional<stored_record>{};
    return std::optional{stored_record{kind, key, at->second.value, at->second.revision}};
  }

  result<uint64_t> commit(const std::vector<store_change>& changes) override {
    const auto revision = apply(changes);
    if (revision && !changes.empty()) watchers_->tell(changes, *revision);
    return revision;
  }

  result<void> append(const std::vector<journal_entry>& entries) override {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : entries) {
      auto& journal = journals_[entry.journal];
      journal.push_back(entry);
      journal.back().sequence = ++sequence_;
    }
    return {};
  }

  result<std::vector<journal_entry>> read_journal(const std::string& journal, uint64_t before,
                                                  size_t limit) override {
    const std::lock_guard lock(mutex_);
    const auto& entries = journals_[journal];
    auto end = entries.end();
    if (before != 0)
      end = std::lower_bound(entries.begin(), entries.end(), before,
                             [](const journal_entry& e, uint64_t n) { return e.sequence < n; });
    std::vector<journal_entry> newest;
    while (end != entries.begin() && newest.size() < limit)
      newest.push_back(*--end);
    return newest;
  }

  std::shared_ptr<void> watch(store_watcher watcher) override {
    return watchers_->add(std::move(watcher));
  }

 private:
  using name = std::pair<std::string, std::string>;
  struct entry {
    std::string value;
    uint64_t revision = 0;
  };

  result<uint64_t> apply(const std::vector<store_change>& changes) {
    const std::lock_guard lock(mutex_);
    if (changes.empty()) return revision_;
    if (auto refused = check(changes)) return *refused;
    ++revision_;
    for (const auto& change : changes) {
      if (change.what == store_change::action::erase)
        records_.erase({change.kind, change.key});
      else
        records_.insert_or_assign({change.kind, change.key}, entry{change.value, revision_});
    }
    return revision_;
  }

  /// Whether every expectation holds at its place in the batch, as in a transaction that applies
  /// one change after the other.
  std::optional<error> check(const std::vector<store_change>& changes) const {
    std::map<name, uint64_t> touched;
    for (const auto& change : changes) {
      const name which{change.kind, change.key};
      auto seen = touched.find(which);
      if (seen == touched.end()) {
        const auto at = records_.find(which);
        seen = touched.emplace(which, at == records_.end() ? 0 : at->second.revision).first;
      }
      if (change.expected_revision && *change.expected_revision != seen->second)
        return error{
            error_category::conflict, "store_conflict", "store",
            change.kind + " " + change.key + " is at revision " + std::to_string(seen->second)};
      seen->second = change.what == store_change::action::put ? revision_ + 1 : 0;
    }
    return std::nullopt;
  }

  std::mutex mutex_;
  std::map<name, entry> records_;
  std::map<std::string, std::vector<journal_entry>> journals_;
  uint64_t revision_ = 0;
  uint64_t sequence_ = 0;
  const std::shared_ptr<store_watchers> watchers_ = std::make_shared<store_watchers>();
};

}  // namespace

std::unique_ptr<store> make_memory_store() {
  return std::make_unique<memory_store>();
}

}  // namespace postern::runtime
