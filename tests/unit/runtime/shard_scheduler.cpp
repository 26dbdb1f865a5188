#define CAF_SUITE shard_scheduler
#include "runtime/shard_scheduler.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

#include <future>
#include <set>

using namespace postern::runtime;
using namespace std::chrono_literals;

namespace {

constexpr auto patient = caf::timespan{20s};

/// Says on which shard it runs: its index, or -1 elsewhere.
caf::behavior where(caf::event_based_actor*) {
  return {[](int) {
    return shard::current() == nullptr ? -1 : static_cast<int>(shard::current()->index());
  }};
}

int ask_where(caf::scoped_actor& self, const caf::actor& actor) {
  int answer = -2;
  self->request(actor, patient, 0)
      .receive([&](int shard) { answer = shard; }, [&](const caf::error&) {});
  return answer;
}

}  // namespace

CAF_TEST(actors run on the shards and on all of them) {
  shard_pool pool{2};
  pool.start();
  {
    shard_system_config config{pool};
    caf::actor_system system{config};
    caf::scoped_actor self{system};
    std::set<int> seen;
    std::vector<caf::actor> actors;
    for (int i = 0; i < 8; ++i) {
      actors.push_back(system.spawn(where));
      // Jobs go round the shards: an odd number of them every other time, so that no shard gets all
      // of the questions.
      for (int asked = 0; asked <= i % 2; ++asked)
        seen.insert(ask_where(self, actors.back()));
    }
    CAF_CHECK(seen == (std::set<int>{0, 1}));
    for (auto& actor : actors)
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
  pool.stop();
}

CAF_TEST(a message from a shard is handled on that shard) {
  shard_pool pool{2};
  pool.start();
  {
    shard_system_config config{pool};
    caf::actor_system system{config};
    for (size_t i = 0; i < pool.size(); ++i) {
      std::promise<int> said;
      const auto actor = system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
        return {[&said, self](int) {
          said.set_value(static_cast<int>(shard::current()->index()));
          self->quit();
        }};
      });
      pool.at(i).post([&] { caf::anon_send(actor, 1); });
      CAF_CHECK_EQUAL(said.get_future().get(), static_cast<int>(i));
    }
  }
  pool.stop();
}

CAF_TEST(many messages between many actors all arrive) {
  static constexpr int actors = 20, rounds = 500;
  shard_pool pool{2};
  pool.start();
  {
    shard_system_config config{pool};
    caf::actor_system system{config};
    std::promise<int> total;
    auto result = total.get_future();
    const auto counter = system.spawn([&](caf::stateful_actor<int>* self) -> caf::behavior {
      return {[self, &total](int n) {
        self->state += n;
        if (self->state < actors * rounds) return;
        total.set_value(self->state);
        self->quit();
      }};
    });
    for (int i = 0; i < actors; ++i) {
      const auto worker = system.spawn([counter](caf::event_based_actor* self) -> caf::behavior {
        return {[=](int left) {
          self->send(counter, 1);
          if (left > 1)
            self->send(self, left - 1);
          else
            self->quit();
        }};
      });
      pool.next().post([worker] { caf::anon_send(worker, rounds); });
    }
    CAF_REQUIRE(result.wait_for(20s) == std::future_status::ready);
    CAF_CHECK_EQUAL(result.get(), actors * rounds);
  }
  pool.stop();
}

CAF_TEST(a delayed message comes after its delay) {
  shard_pool pool{1};
  pool.start();
  {
    shard_system_config config{pool};
    caf::actor_system system{config};
    std::promise<std::chrono::nanoseconds> took;
    system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
      const auto begin = self->clock().now();
      self->delayed_send(self, 20ms, 1);
      return {[&took, self, begin](int) {
        took.set_value(self->clock().now() - begin);
        self->quit();
      }};
    });
    CAF_CHECK(took.get_future().get() >= 20ms);
  }
  pool.stop();
}

CAF_TEST(a system ends with actors that shards have spawned and messages that still wait) {
  shard_pool pool{2};
  pool.start();
  for (int again = 0; again < 3; ++again) {
    shard_system_config config{pool};
    caf::actor_system system{config};
    std::promise<caf::actor> made;
    pool.at(0).post([&] { made.set_value(system.spawn(where)); });
    const auto actor = made.get_future().get();
    caf::scoped_actor self{system};
    CAF_CHECK(ask_where(self, actor) >= 0);
    for (int i = 0; i < 100; ++i)
      caf::anon_send(actor, i);
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  }
  pool.stop();
  CAF_CHECK_EQUAL(pool.size(), 2u);
}
