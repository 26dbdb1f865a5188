#define CAF_SUITE restarts
#include "edge/restarts.hpp"

#include "edge/node_load.hpp"
#include "tests/unit/edge/samples.hpp"
#include "tests/unit/runtime/event_loop.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;
using namespace postern::edge;
using runtime::error_category;

namespace {

struct fixture {
  fixture() {
    context.load = std::make_shared<node_load>();
    wait.asking();
  }

  runtime::shard_pool pool{1};
  config::node options;
  service_urls urls = samples::make_urls();
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(1'700'000'000)};
  runtime::seeded_random_source random{5};
  edge_context context{pool.at(0), pool, options, urls, clock, random, nullptr, nullptr};
  restart_wait wait{context};
  const runtime::error ended{error_category::unavailable, "actor_down", "service", {}};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(restarts_tests, fixture)

CAF_TEST(an actor that has ended is waited for) {
  CAF_CHECK(wait.allows(ended));
  wait.asking();
  CAF_CHECK(wait.allows({error_category::unavailable, "queue_ended", "connector_group", {}}));
}

CAF_TEST(an actor that has answered is not asked again whatever it said) {
  CAF_CHECK(!wait.allows({error_category::unavailable, "store_unavailable", "service", {}}));
  CAF_CHECK(!wait.allows({error_category::timeout, "actor_timeout", "service", {}}));
}

CAF_TEST(a node that stops has no successor to wait for) {
  CAF_CHECK(wait.allows(ended));
  context.load->draining = true;
  CAF_CHECK(!wait.allows(ended));
}

CAF_TEST(a pause ends by itself and never early) {
  bool over = false;
  const auto begun = wait.asking();
  test::start(context.home, [&]() -> runtime::awaitable<void> {
    co_await wait.pause();
    over = true;
  });
  CAF_REQUIRE(test::run_until(context.home, [&] { return over; }));
  CAF_CHECK(wait.asking() - begun >= actors::pause_between_attempts);
}

CAF_TEST_FIXTURE_SCOPE_END()
