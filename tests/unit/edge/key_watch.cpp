#define CAF_SUITE key_watch
#include "edge/key_watch.hpp"

#include "runtime/random_source.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

#include <future>

using namespace postern;
using namespace postern::edge;
using runtime::result;

namespace {

/// A store that counts how often it is read, can be down for readers, and can keep them waiting.
class watched_store final : public runtime::store {
 public:
  result<std::vector<runtime::stored_record>> load(const std::string& kind) override {
    ++reads;
    if (gate.valid()) gate.wait();
    if (down) {
      ++failures;
      return runtime::error{runtime::error_category::unavailable, "store_failed", "store", {}};
    }
    return inner_->load(kind);
  }
  result<std::optional<runtime::stored_record>> find(const std::string& kind,
                                                     const std::string& key) override {
    return inner_->find(kind, key);
  }
  result<uint64_t> commit(const std::vector<runtime::store_change>& changes) override {
    return inner_->commit(changes);
  }
  result<void> append(const std::vector<runtime::journal_entry>& entries) override {
    return inner_->append(entries);
  }
  result<std::vector<runtime::journal_entry>> read_journal(const std::string& journal,
                                                           uint64_t before, size_t limit) override {
    return inner_->read_journal(journal, before, limit);
  }
  std::shared_ptr<void> watch(runtime::store_watcher watcher) override {
    return inner_->watch(std::move(watcher));
  }

  std::atomic<int> reads{0}, failures{0};
  std::atomic<bool> down{false};
  std::shared_future<void> gate;

 private:
  std::unique_ptr<runtime::store> inner_ = runtime::make_memory_store();
};

struct fixture {
  runtime::shard_pool pool{1};
  runtime::shard& home = pool.at(0);
  test::temp_directory folder;
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(1'700'000'000)};
  runtime::seeded_random_source random{5};
  std::shared_ptr<watched_store> store = std::make_shared<watched_store>();
  node_keys keys = load_node_keys(folder / "", *store, clock, random, key_sharing::shared).value();
  std::vector<std::shared_ptr<const runtime::key_ring>> rings;
  std::unique_ptr<key_watch> watch;

  fixture() { clock.advance(std::chrono::hours{1}); }

  void start_watch() {
    watch = std::make_unique<key_watch>(pool, store, clock, random, nullptr, keys,
                                        [this](auto ring) { rings.push_back(std::move(ring)); });
    watch->start();
  }
  /// By another process; returns the new key's id.
  std::string rotate() { return rotate_cookie_keys(folder / "", *store, clock, random).value(); }

  node_keys read_by_another_node() {
    return load_cookie_ring(keys.wrapping, *store, clock, random, key_sharing::shared).value();
  }
  void commit(const std::string& kind) {
    CAF_REQUIRE(
        store->commit({{runtime::store_change::action::put, kind, "x", "y", {}}}).has_value());
  }
  bool has_rings(size_t count) {
    return test::run_until(home, [&] { return rings.size() >= count; });
  }
  /// Ends the watch, and waits for what it has begun.
  bool end_watch() {
    watch.reset();
    const bool over = test::run_until(home, [&] { return store.use_count() == 1; });
    test::run_ready(home);
    return over;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(key_watch_tests, fixture)

CAF_TEST(a key that another process has added opens at once and does not seal yet) {
  start_watch();
  const auto id = rotate();
  CAF_REQUIRE(has_rings(1));
  CAF_CHECK_EQUAL(rings.back()->current_id(), keys.cookies->current_id());
  clock.advance(seal_lead);
  const auto other = read_by_another_node();
  CAF_REQUIRE_EQUAL(other.cookies->current_id(), id);
  CAF_CHECK_EQUAL(rings.back()->open(other.cookies->seal("y", "p"), "p").value(), "y");
}

CAF_TEST(a key seals when its time has come although nothing was committed) {
  const auto id = rotate();
  keys = read_by_another_node();
  CAF_REQUIRE(keys.next_change.has_value());
  CAF_REQUIRE(keys.cookies->current_id() != id);
  clock.advance(seal_lead);
  start_watch();
  CAF_REQUIRE(has_rings(1));
  CAF_CHECK_EQUAL(rings.back()->current_id(), id);
}

CAF_TEST(commits that have nothing to do with keys are not followed) {
  start_watch();
  const int before = store->reads;
  commit("application");
  test::run_ready(home);
  CAF_CHECK(end_watch());
  CAF_CHECK_EQUAL(store->reads.load(), before);
}

CAF_TEST(a store that is down leaves the keys as they are until it is back) {
  start_watch();
  store->down = true;
  const auto id = rotate();
  CAF_REQUIRE(test::run_until(home, [&] { return store->failures == 1; }));
  CAF_CHECK(rings.empty());
  store->down = false;
  commit("sts_key");
  CAF_REQUIRE(has_rings(1));
  clock.advance(seal_lead);
  const auto other = read_by_another_node();
  CAF_REQUIRE_EQUAL(other.cookies->current_id(), id);
  CAF_CHECK(rings.back()->open(other.cookies->seal("y", "p"), "p").has_value());
}

CAF_TEST(news that comes during a read is read as well) {
  std::promise<void> open;
  store->gate = open.get_future().share();
  start_watch();
  const int before = store->reads;
  commit("sts_key");
  CAF_REQUIRE(test::run_until(home, [&] { return store->reads > before; }));
  rotate();
  test::run_ready(home);
  open.set_value();
  CAF_REQUIRE(has_rings(2));
  CAF_CHECK_EQUAL(store->reads.load(), before + 2);
}

CAF_TEST(a watch that has ended takes over nothing that it still read) {
  std::promise<void> open;
  store->gate = open.get_future().share();
  start_watch();
  const int before = store->reads;
  rotate();
  CAF_REQUIRE(test::run_until(home, [&] { return store->reads > before; }));
  watch.reset();
  open.set_value();
  CAF_CHECK(end_watch());
  CAF_CHECK(rings.empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
