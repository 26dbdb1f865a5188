#pragma once
// A store that can be lost: what the suites of sts/ share that care for outages.

#include "runtime/store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postern::sts::testing {

/// One node's way to a store, which fails when told to. Nodes that share the medium share the
/// store, and each can lose it alone.
class failing_store final : public runtime::store {
 public:
  explicit failing_store(std::shared_ptr<runtime::store> medium = runtime::make_memory_store())
      : medium_(std::move(medium)) {}

  bool broken = false;       ///< refuses everything
  bool lose_answer = false;  ///< commits, then says that it failed

  runtime::result<std::vector<runtime::stored_record>> load(const std::string& kind) override {
    if (broken) return failure();
    return medium_->load(kind);
  }
  runtime::result<std::optional<runtime::stored_record>> find(const std::string& kind,
                                                              const std::string& key) override {
    if (broken) return failure();
    return medium_->find(kind, key);
  }
  runtime::result<uint64_t> commit(const std::vector<runtime::store_change>& changes) override {
    if (broken) return failure();
    auto done = medium_->commit(changes);
    if (lose_answer) return failure();
    return done;
  }
  runtime::result<void> append(const std::vector<runtime::journal_entry>&) override {
    return failure();
  }
  runtime::result<std::vector<runtime::journal_entry>> read_journal(const std::string&, uint64_t,
                                                                    size_t) override {
    return failure();
  }
  std::shared_ptr<void> watch(runtime::store_watcher watcher) override {
    return medium_->watch(std::move(watcher));
  }

 private:
  static runtime::error failure() {
    return {runtime::error_category::unavailable, "store_failed", "store", {}};
  }

  std::shared_ptr<runtime::store> medium_;
};

}  // namespace postern::sts::testing
