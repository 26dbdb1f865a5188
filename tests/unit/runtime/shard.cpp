#define CAF_SUITE shard
#include "runtime/shard.hpp"

#include "runtime/shard_pool.hpp"
#include "tests/unit/runtime/event_loop.hpp"

#include <caf/test/dsl.hpp>

#include <future>
#include <string>

using namespace postern::runtime;
using namespace postern::test;

namespace {

struct fixture {
  shard home{0};
  std::string log;
};

/// Writes its name into the log when it is flushed.
struct output final : flushable {
  output(fixture& f, std::string name) : all(f), name(std::move(name)) {}
  void flush() override {
    all.log += name;
    if (again) {
      again = false;
      all.home.flush_at_end_of_turn(*this);
    }
    if (rival) all.home.forget(*rival);
  }
  void wish() { all.home.flush_at_end_of_turn(*this); }

  fixture& all;
  std::string name;
  bool again = false;
  output* rival = nullptr;
};

/// Gives things back to its shard when it is dropped, as a connection does.
struct borrower {
  explicit borrower(shard& s, flushable& f) : home(s), out(f), buffer(s.buffers().acquire()) {
    home.flush_at_end_of_turn(out);
  }
  ~borrower() {
    home.forget(out);
    home.buffers().release(buffer);
  }
  shard& home;
  flushable& out;
  char* buffer;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(shard_tests, fixture)

CAF_TEST(deferred work runs in order and before the flushes of its turn) {
  output out{*this, "F"};
  home.defer([](void* raw) { static_cast<fixture*>(raw)->log += 'a'; }, this);
  out.wish();
  home.defer([](void* raw) { static_cast<fixture*>(raw)->log += 'b'; }, this);
  CAF_CHECK_EQUAL(log, "");
  run_ready(home);
  CAF_CHECK_EQUAL(log, "abF");
}

CAF_TEST(work that defers work is still of the same turn) {
  output out{*this, "F"};
  out.wish();
  home.defer(
      [](void* raw) {
        auto& f = *static_cast<fixture*>(raw);
        f.log += 'a';
        f.home.defer([](void* inner) { static_cast<fixture*>(inner)->log += 'b'; }, raw);
      },
      this);
  run_ready(home);
  CAF_CHECK_EQUAL(log, "abF");
}

CAF_TEST(work without end leaves the loop to others) {
  struct endless {
    shard& home;
    bool stop = false;
    static void run(void* raw) {
      auto& self = *static_cast<endless*>(raw);
      if (!self.stop) self.home.defer(&run, raw);
    }
  } work{home};
  home.defer(&endless::run, &work);
  home.io().run_one();  // one turn: it ends
  home.post([&] { work.stop = true; });
  CAF_CHECK(run_until(home, [&] { return work.stop; }));
  run_ready(home);
}

CAF_TEST(a flush happens once a turn however often it was wished) {
  output out{*this, "F"};
  for (int i = 0; i < 3; ++i)
    out.wish();
  run_ready(home);
  CAF_CHECK_EQUAL(log, "F");
  out.wish();
  run_ready(home);
  CAF_CHECK_EQUAL(log, "FF");
}

CAF_TEST(a flush may wish for another turn) {
  output out{*this, "F"};
  out.again = true;
  out.wish();
  home.io().run_one();
  CAF_CHECK_EQUAL(log, "F");
  run_ready(home);
  CAF_CHECK_EQUAL(log, "FF");
}

CAF_TEST(what is forgotten is not flushed even while the others are) {
  output a{*this, "A"}, b{*this, "B"}, c{*this, "C"};
  a.wish();
  b.wish();
  c.wish();
  home.forget(c);
  a.rival = &b;
  run_ready(home);
  CAF_CHECK_EQUAL(log, "A");
  a.rival = nullptr;
  b.wish();
  run_ready(home);
  CAF_CHECK_EQUAL(log, "AB");
}

CAF_TEST(what waits on a shard may give back to it when the shard ends) {
  output out{*this, "F"};
  int dropped = 0;
  struct tell {
    int& n;
    ~tell() { ++n; }
  };
  {
    shard gone{1};
    auto waits = std::make_shared<borrower>(gone, out);
    auto told = std::make_shared<tell>(dropped);
    asio::post(gone.io(), [waits, told] {});
  }
  CAF_CHECK_EQUAL(dropped, 1);
  CAF_CHECK_EQUAL(log, "");
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST(every shard of a pool knows its thread) {
  shard_pool pool{2};
  CAF_REQUIRE_EQUAL(pool.size(), 2u);
  pool.start();
  for (size_t i = 0; i < pool.size(); ++i) {
    std::promise<shard*> where;
    pool.at(i).post([&] { where.set_value(shard::current()); });
    CAF_CHECK(where.get_future().get() == &pool.at(i));
    CAF_CHECK_EQUAL(pool.at(i).index(), i);
  }
  CAF_CHECK(shard::current() == nullptr);
  CAF_CHECK(&pool.next() != &pool.next());
  pool.stop();
}

CAF_TEST(blocking work runs elsewhere and comes back with its result or its exception) {
  shard_pool pool{1};
  pool.start();
  auto& home = pool.at(0);
  std::promise<std::string> said;
  asio::co_spawn(
      home.get_executor(),
      [&]() -> awaitable<void> {
        auto value = co_await pool.run_blocking(
            [] { return shard::current() == nullptr ? std::string{"elsewhere"} : "here"; });
        if (shard::current() != &home) value += " and not back";
        try {
          co_await pool.run_blocking([]() -> int { throw std::runtime_error("failed"); });
        } catch (const std::runtime_error& e) {
          value += std::string{" "} + e.what();
        }
        said.set_value(value);
      },
      asio::detached);
  CAF_CHECK_EQUAL(said.get_future().get(), "elsewhere failed");
  pool.stop();
}
