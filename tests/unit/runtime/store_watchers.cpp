#define CAF_SUITE store_watchers
#include "runtime/store_watchers.hpp"

#include <caf/test/unit_test.hpp>

#include <atomic>
#include <future>
#include <thread>

using namespace postern::runtime;

namespace {

const std::vector<store_news> some_news{{"kind", "key", 7}};

struct fixture {
  store_watcher note(std::string name) {
    return [this, name = std::move(name)](const std::vector<store_news>& news) {
      for (const auto& one : news)
        told += name + ":" + one.kind + "/" + one.key + "@" + std::to_string(one.revision) + " ";
    };
  }

  std::shared_ptr<store_watchers> watchers = std::make_shared<store_watchers>();
  std::string told;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(store_watchers_tests, fixture)

CAF_TEST(all are told in the order in which they came) {
  const auto first = watchers->add(note("first"));
  const auto second = watchers->add(note("second"));
  watchers->tell(some_news);
  CAF_CHECK_EQUAL(told, "first:kind/key@7 second:kind/key@7 ");
}

CAF_TEST(a commit is told change by change whatever the change was) {
  const auto watch = watchers->add(note("w"));
  watchers->tell({{store_change::action::put, "a", "1", "value", {}},
                  {store_change::action::erase, "b", "2", {}, 3}},
                 8);
  CAF_CHECK_EQUAL(told, "w:a/1@8 w:b/2@8 ");
}

CAF_TEST(whoever drops the handle hears no more and the others still do) {
  auto first = watchers->add(note("first"));
  const auto second = watchers->add(note("second"));
  first.reset();
  watchers->tell(some_news);
  CAF_CHECK_EQUAL(told, "second:kind/key@7 ");
}

CAF_TEST(a copy of the handle keeps the watch) {
  auto first = watchers->add(note("first"));
  auto copy = first;
  first.reset();
  watchers->tell(some_news);
  CAF_CHECK_EQUAL(told, "first:kind/key@7 ");
  copy.reset();
  watchers->tell(some_news);
  CAF_CHECK_EQUAL(told, "first:kind/key@7 ");
}

CAF_TEST(what a watcher owns goes with the handle) {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = owned;
  auto watch = watchers->add([owned](const std::vector<store_news>&) {});
  owned.reset();
  CAF_CHECK(!seen.expired());
  watch.reset();
  CAF_CHECK(seen.expired());
}

CAF_TEST(a handle may outlive the store) {
  auto watch = watchers->add(note("w"));
  watchers.reset();
  watch.reset();
  CAF_CHECK_EQUAL(told, "");
}

CAF_TEST(a dropped handle waits for the call that is under way) {
  std::promise<void> called, dropping;
  std::atomic<bool> returned{false};
  auto watch = watchers->add([&](const std::vector<store_news>&) {
    called.set_value();
    dropping.get_future().wait();
    std::this_thread::yield();  // time for a drop that does not wait
    returned = true;
  });
  std::thread teller{[&] { watchers->tell(some_news); }};
  called.get_future().wait();
  dropping.set_value();
  watch.reset();
  CAF_CHECK(returned.load());
  teller.join();
}

CAF_TEST_FIXTURE_SCOPE_END()
