#define CAF_SUITE store
// The promises of the interface, kept by every store.
#include "runtime/store.hpp"

#include "tests/unit/runtime/postgres_server.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <mutex>
#include <thread>

namespace rt = postern::runtime;
using namespace std::string_literals;

namespace {

rt::store_change put(std::string key, std::string value, std::optional<uint64_t> expected = {}) {
  return {rt::store_change::action::put, "kind", std::move(key), std::move(value), expected};
}

rt::store_change erase(std::string key, std::optional<uint64_t> expected = {}) {
  return {rt::store_change::action::erase, "kind", std::move(key), {}, expected};
}

rt::journal_entry entry(std::string journal, std::string value, int64_t nanoseconds = 0) {
  return {99, std::move(journal), rt::timestamp{std::chrono::nanoseconds{nanoseconds}},
          std::move(value)};
}

/// "key=value@revision ..." of a kind.
std::string shown(rt::store& store, const std::string& kind = "kind") {
  std::string text;
  const auto records = store.load(kind);
  if (!records) return "error";
  for (const auto& r : *records) {
    if (r.kind != kind) return "wrong kind";
    text += r.key + "=" + r.value + "@" + std::to_string(r.revision) + " ";
  }
  return text;
}

std::string shown_journal(rt::store& store, const std::string& journal, uint64_t before,
                          size_t limit) {
  std::string text;
  const auto entries = store.read_journal(journal, before, limit);
  if (!entries) return "error";
  for (const auto& e : *entries)
    text += e.journal + ":" + e.value + " ";
  return text;
}

std::string cause(const rt::result<uint64_t>& r) {
  if (r) return "none";
  return std::string(rt::to_string(r.error().category)) + " " + r.error().cause;
}

void with_every_store(const std::function<void(rt::store&)>& check) {
  CAF_MESSAGE("memory");
  check(*rt::make_memory_store());
  CAF_MESSAGE("sqlite");
  const postern::test::temp_directory directory;
  const auto opened = rt::open_sqlite_store(directory / "store.db");
  CAF_REQUIRE(opened.has_value());
  check(**opened);
  CAF_MESSAGE("postgres");
  const auto served =
      rt::open_postgres_store(postern::test::shared_postgres_server().new_database());
  if (!served) CAF_FAIL(rt::to_string(served.error()));
  check(**served);
}

/// What a watcher is told, once there was time to tell it.
class diary {
 public:
  rt::store_watcher watcher() {
    return [this](const std::vector<rt::store_news>& news) {
      const std::lock_guard lock(mutex_);
      for (const auto& one : news)
        lines_.push_back(one.kind + "/" + one.key + "@" + std::to_string(one.revision));
    };
  }
  /// Waits until a line is there, or that anything may have changed; false if neither comes.
  bool tells(const std::string& line) {
    for (int i = 0; i < 500; ++i) {
      {
        const std::lock_guard lock(mutex_);
        if (std::ranges::find(lines_, line) != lines_.end()) return true;
        if (std::ranges::find(lines_, "/@0") != lines_.end()) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return false;
  }
  bool has(const std::string& line) {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(lines_, line) != lines_.end();
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace

CAF_TEST(a fresh store is empty) {
  with_every_store([](rt::store& store) {
    CAF_CHECK_EQUAL(shown(store), "");
    CAF_CHECK(!store.find("kind", "a")->has_value());
    CAF_CHECK_EQUAL(shown_journal(store, "audit", 0, 10), "");
    CAF_CHECK_EQUAL(store.commit({}).value(), 0u);
  });
}

CAF_TEST(records come back by kind in the order of their keys) {
  with_every_store([](rt::store& store) {
    CAF_CHECK_EQUAL(store.commit({put("b", "2"), put("a", "1"), put("\xff", "last")}).value(), 1u);
    CAF_CHECK_EQUAL(store.commit({{rt::store_change::action::put, "kin", "c", "3", {}}}).value(),
                    2u);
    CAF_CHECK_EQUAL(store.commit({{rt::store_change::action::put, "kind2", "d", "4", {}}}).value(),
                    3u);
    CAF_CHECK_EQUAL(shown(store), "a=1@1 b=2@1 \xff=last@1 ");
    CAF_CHECK_EQUAL(shown(store, "kin"), "c=3@2 ");
    const auto found = store.find("kind", "b").value();
    CAF_REQUIRE(found.has_value());
    CAF_CHECK_EQUAL(found->kind + found->key + found->value, "kindb2");
    CAF_CHECK_EQUAL(found->revision, 1u);
    CAF_CHECK(!store.find("kind", "c")->has_value());
  });
}

CAF_TEST(any bytes can be a value and a key) {
  with_every_store([](rt::store& store) {
    const auto bytes = "\0\xff\n\0"s;
    CAF_REQUIRE(store.commit({put(bytes, bytes), put("empty", ""), put("", "no key")}).has_value());
    CAF_CHECK(store.find("kind", bytes).value()->value == bytes);
    CAF_CHECK(store.find("kind", "empty").value()->value.empty());
    CAF_CHECK(store.find("kind", "").value()->value == "no key");
    CAF_CHECK(!store.find("kind", "\0"s).value().has_value());
  });
}

CAF_TEST(a later write replaces and an erase removes) {
  with_every_store([](rt::store& store) {
    CAF_REQUIRE(store.commit({put("a", "1"), put("b", "1")}).has_value());
    CAF_CHECK_EQUAL(store.commit({put("a", "2"), erase("b"), erase("never there")}).value(), 2u);
    CAF_CHECK_EQUAL(shown(store), "a=2@2 ");
  });
}

CAF_TEST(an expectation that holds lets the batch pass) {
  with_every_store([](rt::store& store) {
    CAF_CHECK_EQUAL(cause(store.commit({put("a", "1", 0)})), "none");
    CAF_CHECK_EQUAL(cause(store.commit({put("a", "2", 1)})), "none");
    CAF_CHECK_EQUAL(cause(store.commit({erase("a", 2)})), "none");
    CAF_CHECK_EQUAL(cause(store.commit({put("a", "3", 0)})), "none");
    CAF_CHECK_EQUAL(shown(store), "a=3@4 ");
  });
}

CAF_TEST(an expectation that fails refuses the whole batch) {
  with_every_store([](rt::store& store) {
    CAF_REQUIRE(store.commit({put("a", "1")}).has_value());
    const auto conflict = "conflict store_conflict";
    CAF_CHECK_EQUAL(cause(store.commit({put("b", "1"), put("a", "2", 0)})), conflict);
    CAF_CHECK_EQUAL(cause(store.commit({erase("a"), put("c", "1", 1)})), conflict);
    CAF_CHECK_EQUAL(cause(store.commit({put("a", "2", 2), put("b", "1")})), conflict);
    CAF_CHECK_EQUAL(cause(store.commit({erase("b", 1)})), conflict);
    CAF_CHECK_EQUAL(shown(store), "a=1@1 ");
    CAF_CHECK_EQUAL(store.commit({put("d", "1")}).value(), 2u);
  });
}

CAF_TEST(an expectation sees the changes before it in its batch) {
  with_every_store([](rt::store& store) {
    CAF_REQUIRE(store.commit({put("a", "1")}).has_value());
    CAF_CHECK_EQUAL(cause(store.commit({erase("a"), put("a", "2", 0), put("a", "3", 2)})), "none");
    CAF_CHECK_EQUAL(cause(store.commit({put("a", "4"), put("a", "5", 2)})),
                    "conflict store_conflict");
    CAF_CHECK_EQUAL(shown(store), "a=3@2 ");
  });
}

CAF_TEST(a journal is read from its end in pages) {
  with_every_store([](rt::store& store) {
    CAF_REQUIRE(
        store.append({entry("audit", "1"), entry("other", "x"), entry("audit", "2")}).has_value());
    CAF_REQUIRE(store.append({entry("audit", "3")}).has_value());
    CAF_REQUIRE(store.append({}).has_value());
    CAF_CHECK_EQUAL(shown_journal(store, "audit", 0, 10), "audit:3 audit:2 audit:1 ");
    CAF_CHECK_EQUAL(shown_journal(store, "audit", 0, 2), "audit:3 audit:2 ");
    CAF_CHECK_EQUAL(shown_journal(store, "audit", 0, 0), "");
    const auto page = store.read_journal("audit", 0, 2).value();
    CAF_CHECK(page[0].sequence > page[1].sequence);
    CAF_CHECK_EQUAL(shown_journal(store, "audit", page[1].sequence, 2), "audit:1 ");
    CAF_CHECK_EQUAL(shown_journal(store, "audit", ~uint64_t{0}, 1), "audit:3 ");
    CAF_CHECK_EQUAL(shown_journal(store, "nothing", 0, 10), "");
  });
}

CAF_TEST(a journal keeps bytes and nanoseconds) {
  with_every_store([](rt::store& store) {
    const auto bytes = "\0\xff{}"s;
    CAF_REQUIRE(store.append({entry("audit", bytes, 1'700'000'000'123'456'789)}).has_value());
    const auto read = store.read_journal("audit", 0, 1).value();
    CAF_REQUIRE_EQUAL(read.size(), 1u);
    CAF_CHECK(read[0].value == bytes);
    CAF_CHECK_EQUAL(read[0].at.time_since_epoch().count(), 1'700'000'000'123'456'789);
  });
}

CAF_TEST(of several writers at once none loses a change) {
  with_every_store([](rt::store& store) {
    CAF_REQUIRE(store.commit({put("count", "0")}).has_value());
    const auto count_to_20 = [&store] {
      for (int done = 0; done < 20;) {
        const auto now = store.find("kind", "count").value().value();
        const auto next = std::to_string(std::stoi(now.value) + 1);
        if (store.commit({put("count", next, now.revision)})) ++done;
      }
    };
    std::thread a(count_to_20);
    std::thread b(count_to_20);
    a.join();
    b.join();
    CAF_CHECK_EQUAL(shown(store), "count=40@41 ");
  });
}

CAF_TEST(a watcher is told of every commit until it drops its handle) {
  with_every_store([](rt::store& store) {
    diary first;
    diary second;
    auto watch = store.watch(first.watcher());
    const auto other = store.watch(second.watcher());
    CAF_REQUIRE(store.commit({put("a", "1"), erase("b\0\xff"s)}).has_value());
    CAF_CHECK(first.tells("kind/a@1"));
    CAF_CHECK(first.tells("kind/b\0\xff@1"s));
    CAF_CHECK(!store.commit({put("refused", "1", 7)}));
    watch.reset();
    CAF_REQUIRE(store.commit({put("c", "1")}).has_value());
    CAF_CHECK(second.tells("kind/c@2"));
    CAF_CHECK(!first.has("kind/c@2"));
    CAF_CHECK(!second.has("kind/refused@2"));
  });
}
