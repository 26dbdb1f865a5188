#define CAF_SUITE crash_order
#include "actors/crash_order.hpp"

#include "actors/node_supervisor.hpp"
#include "tests/unit/actors/session_samples.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

key_source_actor::behavior_type empty_key_source(key_source_actor::pointer) {
  return {[](fetch_atom, const std::string&) { return std::string{R"({"keys":[]})"}; }};
}

routing_subscriber_actor::behavior_type routing_follower(routing_subscriber_actor::pointer) {
  return {[](update_atom, const routing_ptr&) {}};
}

struct crash_fixture : store_fixture {
  node_supervisor_actor supervisor = start(node_supervisor, environment());

  ~crash_fixture() override {
    // While clock and store are there: an audit log that has something to write does so at its end.
    tell(supervisor, shut_atom_v);
    consume_messages();
  }

  node_environment environment() {
    return {.store = medium,
            .key_source = start(empty_key_source),
            .tunnel_control =
                start(recording_tunnel_control, std::make_shared<std::vector<cut_tunnel>>()),
            .clock = &clock,
            .random = &random,
            .wrapping_keys = std::make_shared<const postern::runtime::key_ring>(
                std::vector{postern::runtime::make_sealing_key(random)}, random),
            .detached_store = false};
  }
  node_handles handles() { return *value_of(ask<node_handles_ptr>(supervisor, lookup_atom_v)); }
  routing_ptr routes() {
    return value_of(
        ask<routing_ptr>(handles().connectors, subscribe_atom_v, start(routing_follower)));
  }
  uint64_t order(const char* name) {
    const auto told = order_crash(handles(), *routes(), name);
    consume_messages();
    return told.value();
  }
  void restart() {
    advance_time(first_restart_pause);
    consume_messages();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(crash_order_tests, crash_fixture)

CAF_TEST(every child crashes by its name and comes back) {
  for (const auto* name :
       {"durable_store", "audit_log", "configuration", "token_verifier", "session_registry",
        "connector_registry", "certificate_authority", "cluster_directory"}) {
    const auto before = handles();
    CAF_CHECK_EQUAL(order(name), 1u);
    restart();
    const auto after = handles();
    const bool replaced = before.store != after.store || before.audit != after.audit ||
                          before.configuration != after.configuration ||
                          before.tokens != after.tokens || before.sessions != after.sessions ||
                          before.connectors != after.connectors ||
                          before.authority != after.authority || before.cluster != after.cluster;
    CAF_MESSAGE(name);
    CAF_CHECK(replaced);
    // A crash within a minute of the last one is answered with a longer pause.
    advance_time(2min);
    consume_messages();
  }
  CAF_CHECK_EQUAL(ask<std::vector<connector_status>>(handles().connectors, list_atom_v)->cause(),
                  "answered");
}

CAF_TEST(a crashed registry takes its sessions along) {
  const auto session =
      value_of(ask<user_session_actor>(handles().sessions, wake_atom_v, sample_session("s1")));
  order("session_registry");
  CAF_CHECK(!is_alive(session.address()));
}

CAF_TEST(queues crash and are replaced by their registry) {
  ask<change_report>(handles().configuration, apply_atom_v,
                     change_request{.groups = {{"berlin"}, {"london"}}});
  const auto before = routes()->queues;
  const auto registry = handles().connectors;
  CAF_CHECK_EQUAL(order("group_queue"), 2u);
  const auto after = routes()->queues;
  CAF_CHECK(after.at("berlin") != before.at("berlin"));
  CAF_CHECK(after.at("london") != before.at("london"));
  CAF_CHECK(handles().connectors == registry);
}

CAF_TEST(an audit log that crashes has written what it had) {
  tell(handles().audit, record_atom_v, audit_event{.action = "actor_crash_ordered"});
  order("audit_log");
  CAF_CHECK_EQUAL(medium->read_journal("audit", 0, 10).value().size(), 1u);
}

CAF_TEST(what has no such name does not crash) {
  const auto told = order_crash(handles(), *routes(), "node_supervisor");
  CAF_CHECK_EQUAL(told.error().cause, "actor_unknown");
  consume_messages();
  CAF_CHECK(is_alive(supervisor.address()));
}

CAF_TEST_FIXTURE_SCOPE_END()
