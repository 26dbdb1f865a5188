#pragma once
// What the tests of actors with durable state share: virtual time, a calendar that moves along with
// it, seeded randomness, and a store that can be made to fail. Include it after CAF_SUITE.

#include "actors/audit_log.hpp"
#include "actors/contracts.hpp"
#include "actors/durable_store.hpp"
#include "runtime/random_source.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"
#include "tests/unit/actors/connector_fixture.hpp"

namespace postern::actors::testing {

/// A memory store whose medium can fail, before or after it has done what was asked.
class faulty_store final : public runtime::store {
 public:
  bool down = false;         ///< refuses everything
  bool read_only = false;    ///< refuses commits
  bool quiet = false;        ///< tells nobody of commits, as if the news were late
  bool lose_answer = false;  ///< commits, then says it failed
  size_t commits = 0;        ///< that succeeded

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
    if (down || read_only) return failure();
    auto done = medium_->commit(changes);
    if (done) ++commits;
    if (lose_answer) return failure();
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
    return medium_->watch([this, watcher = std::move(watcher)](const auto& news) {
      if (!quiet) watcher(news);
    });
  }

 private:
  static runtime::error failure() {
    return {runtime::error_category::unavailable, "store_failed", "store", "as the test wants it"};
  }

  std::unique_ptr<runtime::store> medium_ = runtime::make_memory_store();
};

/// Noon of a day in 2025.
inline constexpr int64_t start_of_time = 1'750'000'000;

struct store_fixture : fixture {
  std::shared_ptr<faulty_store> medium = std::make_shared<faulty_store>();
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(start_of_time)};
  runtime::seeded_random_source random{20};
  durable_store_actor store = own(sys.spawn(durable_store, medium));
  audit_log_actor audit = own(sys.spawn(audit_log, store, &clock));

  /// Spawns an actor, to be ended with the test, and lets it do what it does at its start.
  template <class Behavior, class... Ts>
  auto start(Behavior behavior, Ts&&... xs) {
    auto handle = own(sys.spawn(behavior, std::forward<Ts>(xs)...));
    consume_messages();
    return handle;
  }

  /// Lets virtual and calendar time pass in one step; who sets a timer anew does so at its end.
  void pass_both(std::chrono::seconds by) {
    clock.advance(by);
    advance_time(by);
    consume_messages();
  }

  /// The audit log from its newest event on.
  std::vector<audit_event> audited() {
    const auto answer = ask<std::vector<audit_event>>(audit, list_atom_v, audit_query{});
    return answer->value.value_or(std::vector<audit_event>{});
  }

  /// The newest audit event of an action; a default one if there is none.
  audit_event last_audited(const std::string& action) {
    for (const auto& event : audited())
      if (event.action == action) return event;
    return {};
  }

  /// The records of a kind, past the actors.
  std::vector<runtime::stored_record> stored(const std::string& kind) {
    return medium->load(kind).value();
  }
};

/// What was answered, by value: the checks of CAF hold on to references into what they are given.
template <class T>
T value_of(const answer_ptr<T>& answer) {
  CAF_REQUIRE_EQUAL(answer->cause(), "answered");
  return *answer->value;
}

/// The cause of a failed result; empty if it did not fail.
template <class T>
std::string cause_of(const runtime::result<T>& r) {
  return r.has_error() ? r.error().cause : std::string{};
}

}  // namespace postern::actors::testing
