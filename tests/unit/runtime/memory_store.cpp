#define CAF_SUITE memory_store
// What the contract in store.cpp leaves open and this store can be held to without waiting: when
// and what its watchers are told, and what several threads see of one commit.
#include "runtime/store.hpp"

#include <caf/test/dsl.hpp>

#include <algorithm>
#include <atomic>
#include <thread>

namespace rt = postern::runtime;

namespace {

using action = rt::store_change::action;

rt::store_change put(std::string key, std::string value, std::optional<uint64_t> expected = {}) {
  return {action::put, "kind", std::move(key), std::move(value), expected};
}

rt::store_change erase(std::string key, std::optional<uint64_t> expected = {}) {
  return {action::erase, "kind", std::move(key), {}, expected};
}

struct fixture {
  std::unique_ptr<rt::store> store = rt::make_memory_store();
  std::string told;

  std::shared_ptr<void> watch() {
    return store->watch([this](const std::vector<rt::store_news>& news) {
      for (const auto& one : news)
        told += one.kind + "/" + one.key + "@" + std::to_string(one.revision) + " ";
      told += "| ";
    });
  }
  /// The records of the kind as "key=value@revision ...".
  std::string shown() {
    std::string text;
    for (const auto& r : store->load("kind").value())
      text += r.key + "=" + r.value + "@" + std::to_string(r.revision) + " ";
    return text;
  }
  std::string refused(const std::vector<rt::store_change>& changes) {
    const auto r = store->commit(changes);
    return r ? "committed" : r.error().cause;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(memory_store_tests, fixture)

CAF_TEST(a watcher has been told once a commit returns and once for each commit) {
  const auto handle = watch();
  CAF_CHECK_EQUAL(refused({put("b", "1"), erase("a"), put("b", "2")}), "committed");
  CAF_CHECK_EQUAL(told, "kind/b@1 kind/a@1 kind/b@1 | ");
  CAF_CHECK_EQUAL(refused({erase("b")}), "committed");
  CAF_CHECK_EQUAL(told, "kind/b@1 kind/a@1 kind/b@1 | kind/b@2 | ");
}

CAF_TEST(what changes nothing is told to nobody) {
  const auto handle = watch();
  CAF_CHECK_EQUAL(store->commit({}).value(), 0u);
  CAF_CHECK_EQUAL(refused({put("a", "1"), put("b", "1", 3)}), "store_conflict");
  CAF_REQUIRE(store->append({{0, "audit", {}, "entry"}}).has_value());
  CAF_CHECK_EQUAL(told, "");
  CAF_CHECK_EQUAL(shown(), "");
}

CAF_TEST(a conflict says which record it was and where that stands) {
  CAF_REQUIRE(store->commit({put("a", "1")}).has_value());
  const auto r = store->commit({put("b", "1", 0), put("a", "2", 7)});
  CAF_REQUIRE(!r);
  CAF_CHECK(r.error().category == rt::error_category::conflict);
  CAF_CHECK_EQUAL(r.error().source, "store");
  CAF_CHECK_EQUAL(r.error().detail, "kind a is at revision 1");
}

CAF_TEST(a record that came again is not the one from before) {
  CAF_REQUIRE(store->commit({put("a", "1")}).has_value());
  CAF_REQUIRE(store->commit({erase("a")}).has_value());
  CAF_REQUIRE(store->commit({put("a", "1")}).has_value());
  CAF_CHECK_EQUAL(refused({put("a", "late", 1)}), "store_conflict");
  CAF_CHECK_EQUAL(refused({erase("a", 1)}), "store_conflict");
  CAF_CHECK_EQUAL(refused({put("a", "late", 0)}), "store_conflict");
  CAF_CHECK_EQUAL(shown(), "a=1@3 ");
}

CAF_TEST(what must not exist may be erased) {
  CAF_CHECK_EQUAL(refused({erase("a", 0)}), "committed");
  CAF_CHECK_EQUAL(refused({put("a", "1", 0), erase("a", 2), erase("a", 0)}), "committed");
  CAF_CHECK_EQUAL(shown(), "");
}

CAF_TEST(the same key of another kind is another record) {
  CAF_REQUIRE(store->commit({put("a", "1")}).has_value());
  CAF_REQUIRE(store->commit({{action::put, "other", "a", "2", 0}}).has_value());
  CAF_REQUIRE(store->commit({{action::erase, "other", "a", {}, 2}}).has_value());
  CAF_CHECK_EQUAL(shown(), "a=1@1 ");
  CAF_CHECK(!store->find("other", "a").value().has_value());
}

CAF_TEST(a store forgets at its end and another never knew) {
  CAF_REQUIRE(store->commit({put("a", "1")}).has_value());
  const auto other = rt::make_memory_store();
  CAF_CHECK(other->load("kind").value().empty());
  CAF_REQUIRE(other->commit({put("b", "1")}).has_value());
  CAF_CHECK_EQUAL(shown(), "a=1@1 ");
  store = rt::make_memory_store();
  CAF_CHECK_EQUAL(shown(), "");
  CAF_CHECK_EQUAL(store->commit({put("c", "1")}).value(), 1u);
}

CAF_TEST(a page of a journal ends before what was asked for though others wrote between) {
  for (int i = 0; i < 3; ++i)
    CAF_REQUIRE(
        store->append({{7, "audit", {}, std::to_string(i)}, {7, "other", {}, "x"}}).has_value());
  const auto all = store->read_journal("audit", 0, 10).value();
  CAF_REQUIRE_EQUAL(all.size(), 3u);
  const auto older = store->read_journal("audit", all[0].sequence, 10).value();
  CAF_REQUIRE_EQUAL(older.size(), 2u);
  CAF_CHECK_EQUAL(older[0].value, "1");
  // The sequence of an entry of the other journal is a place in this one as well.
  const auto between = store->read_journal("audit", all[1].sequence + 1, 10).value();
  CAF_REQUIRE_EQUAL(between.size(), 2u);
  CAF_CHECK_EQUAL(between[0].value, "1");
  CAF_CHECK(store->read_journal("audit", all[2].sequence, 10).value().empty());
}

CAF_TEST(who reads while others write sees whole commits only) {
  constexpr int rounds = 300;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < rounds; ++i) {
      const auto value = std::to_string(i);
      store->commit({put("a", value), put("b", value)}).value();
    }
    done = true;
  });
  size_t torn = 0;
  while (!done) {
    const auto read = store->load("kind").value();
    if (!read.empty() && (read.size() != 2 || read[0].value != read[1].value)) ++torn;
  }
  writer.join();
  CAF_CHECK_EQUAL(torn, 0u);
  CAF_CHECK_EQUAL(shown(), "a=299@300 b=299@300 ");
}

CAF_TEST(of several who append at once none loses an entry and each keeps its order) {
  constexpr size_t each = 200;
  const auto append = [&](const std::string& who) {
    for (size_t i = 0; i < each; ++i)
      store->append({{0, "audit", {}, who}}).value();
  };
  std::thread a(append, "a"), b(append, "b");
  a.join();
  b.join();
  const auto all = store->read_journal("audit", 0, 10 * each).value();
  CAF_CHECK_EQUAL(all.size(), 2 * each);
  CAF_CHECK(std::ranges::is_sorted(all, std::ranges::greater{}, &rt::journal_entry::sequence));
  const auto of_a = std::ranges::count(all, "a", &rt::journal_entry::value);
  CAF_CHECK_EQUAL(static_cast<size_t>(of_a), each);
}

CAF_TEST_FIXTURE_SCOPE_END()
