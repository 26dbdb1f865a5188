#pragma once
// The store of the simulated world: keeps what was committed through every death, and can be down.

#include "runtime/store.hpp"

namespace postern::simulation {

class faulty_store final : public runtime::store {
 public:
  bool down = false;
  /// How many commits from now are written and yet reported as failed.
  unsigned lost_answers = 0;

  runtime::result<std::vector<runtime::stored_record>> load(const std::string& kind) override {
    if (down) return failure();
    return medium_->load(kind);
  }
  runtime::result<std::optional<runtime::stored_record>> find(const std::string& kind,
                                                              const std::string& key) override {
    if (down) return failure();
    return medium_->find(kind, key);
  }
  runtime::result<uint64_t> commit(const std::vector<runtime::store_change>& changes) override {
    if (down) return failure();
    auto done = medium_->commit(changes);
    if (lost_answers > 0) {
      --lost_answers;
      return failure();
    }
    return done;
  }
  runtime::result<void> append(const std::vector<runtime::journal_entry>& entries) override {
    if (down) return failure();
    return medium_->append(entries);
  }
  runtime::result<std::vector<runtime::journal_entry>> read_journal(const std::string& journal,
                                                                    uint64_t before,
                                                                    size_t limit) override {
    if (down) return failure();
    return medium_->read_journal(journal, before, limit);
  }

  std::shared_ptr<void> watch(runtime::store_watcher watcher) override {
    return medium_->watch(std::move(watcher));
  }

 private:
  static runtime::error failure() {
    return {runtime::error_category::unavailable, "store_unavailable", "service", "simulated"};
  }
  std::unique_ptr<runtime::store> medium_ = runtime::make_memory_store();
};

}  // namespace postern::simulation
