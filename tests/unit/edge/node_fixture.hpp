#pragma once
// One shard of a node without sockets: its context, a port to actors that run when the test lets
// them, and doubles of the actors that it asks. Include it after CAF_SUITE.

#include "edge/node_load.hpp"
#include "edge/traffic_limits.hpp"
#include "tests/unit/actors/connector_fixture.hpp"
#include "tests/unit/edge/samples.hpp"
#include "tests/unit/runtime/event_loop.hpp"

#include <functional>

namespace postern::edge::testing {

/// What a session_registry says; a test replaces what it needs.
struct scripted_sessions {
  std::function<caf::result<actors::user_session_actor>(const actors::access_session&)> wake;
  std::function<caf::result<actors::verified_token>(const actors::verified_token&)> verify;
};

inline actors::session_registry_actor::behavior_type play_sessions(
    actors::session_registry_actor::pointer, std::shared_ptr<scripted_sessions> says) {
  using namespace actors;
  return {[says](wake_atom, const access_session& session) { return says->wake(session); },
          [says](verify_atom, const verified_token& token) { return says->verify(token); },
          [](revoke_atom, const session_selector&) { return uint64_t{0}; },
          [](list_atom) { return std::vector<session_status>{}; },
          [](update_atom, const std::vector<runtime::store_news>&) {},
          [](tick_atom) {}};
}

/// A group's queue by what it does with an exchange that asks, one that is taken out, and a place
/// that is given back; all else it takes in silence.
template <class Submit, class Cancel, class Release>
actors::group_queue_actor::behavior_type play_queue_as(Submit submit, Cancel cancel,
                                                       Release release) {
  using namespace actors;
  return {std::move(submit),
          std::move(cancel),
          std::move(release),
          [](attach_atom, const tunnel_info&) {},
          [](detach_atom, tunnel_id) {},
          [](silent_atom, tunnel_id, bool) {},
          [](lookup_atom) -> caf::result<uint32_t, uint32_t> { return {0u, 0u}; },
          [](subscribe_atom, const summoner_actor&) {},
          [](list_atom) { return std::vector<connector_status>{}; },
          [](expire_atom, uint64_t) {}};
}

struct node_fixture : actors::testing::fixture {
  node_fixture() {
    // A shard tells its actors points of time: theirs must not begin at an hour, as CAF's test
    // clock does, on a machine that was started less than an hour ago.
    sched.clock().current_time = std::chrono::steady_clock::now();
    options.names = {"connectors.example", "admin.example", "sts.example"};
    context.load = std::make_shared<node_load>();
    context.load->traffic = std::make_shared<traffic_limits>(options.limits);
    context.cookie_keys =
        std::make_shared<runtime::key_ring>(std::vector{runtime::make_sealing_key(random)}, random);
    context.port = std::make_unique<runtime::actor_port>(sys, home);
  }
  ~node_fixture() override { context.port.reset(); }

  /// Runs actors and the shard until `done()` holds.
  template <class Condition>
  bool works_until(Condition done) {
    return test::run_until(home, [&] {
      sched.run();
      return done();
    });
  }

  /// What the awaitable that `ask` makes returns.
  template <class Ask>
  auto answer_of(Ask ask) {
    std::optional<typename std::invoke_result_t<Ask>::value_type> got;
    test::start(home, [&]() -> runtime::awaitable<void> { got.emplace(co_await ask()); });
    CAF_REQUIRE(works_until([&] { return got.has_value(); }));
    return std::move(*got);
  }

  void put_in_force(actors::node_handles all) {
    context.handles = std::make_shared<const actors::node_handles>(std::move(all));
  }

  runtime::shard_pool pool{1};
  runtime::shard& home = pool.at(0);
  config::node options;
  service_urls urls = samples::make_urls();
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(1'700'000'000)};
  runtime::seeded_random_source random{5};
  edge_context context{home, pool, options, urls, clock, random, nullptr, nullptr};
};

}  // namespace postern::edge::testing
