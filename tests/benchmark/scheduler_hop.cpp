// What a question to an actor costs a coroutine on a shard: a message there, one back, both within
// the shard's turn.

#include "runtime/actor_port.hpp"
#include "runtime/shard_scheduler.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <caf/event_based_actor.hpp>

#include <benchmark/benchmark.h>
#include <memory>

using namespace postern::runtime;

namespace {

constexpr int questions = 1'000;
constexpr auto patience = std::chrono::milliseconds{5'000};

caf::behavior doubler(caf::event_based_actor*) {
  return {[](int n) { return 2 * n; }};
}

awaitable<int> ask_many(actor_port& port, caf::actor whom) {
  int failures = 0;
  for (int i = 0; i < questions; ++i) {
    const auto answer = co_await port.ask<int>(whom, patience, i);
    failures += answer && *answer == 2 * i ? 0 : 1;
  }
  co_return failures;
}

void actor_question(benchmark::State& state) {
  shard_pool shards{1};
  shards.start();
  shard_system_config options{shards};
  auto system = std::make_unique<caf::actor_system>(options);
  auto port = std::make_unique<actor_port>(*system, shards.at(0));
  const auto run = [&](auto work) {
    return boost::asio::co_spawn(shards.at(0).get_executor(), std::move(work),
                                 boost::asio::use_future)
        .get();
  };
  auto actor = system->spawn(doubler);
  for (auto _ : state)
    if (run(ask_many(*port, actor)) != 0) state.SkipWithError("a question was not answered");
  state.SetItemsProcessed(state.iterations() * questions);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  actor = nullptr;
  run([&]() -> awaitable<int> {
    port.reset();
    co_return 0;
  }());
  system.reset();
  shards.stop();
}

}  // namespace

BENCHMARK(actor_question)->MeasureProcessCPUTime()->UseRealTime();
