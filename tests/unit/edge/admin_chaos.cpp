#define CAF_SUITE admin_chaos
// Crashes on demand. That they are offered to trials only: admin_api.cpp; what comes of them:
// tests/unit/actors/crash_order.cpp.
#include "edge/admin_resources.hpp"
#include "tests/unit/edge/admin_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using actors::testing::cause_of;
namespace json = boost::json;

namespace {

struct fixture : edge::testing::admin_fixture {
  fixture() {
    apply({.groups = {{"paris"}}, .by = "eve"});
    const auto here = context.port->as<actors::routing_subscriber_actor>();
    const auto routing = ask<actors::routing_ptr>(connectors, actors::subscribe_atom_v, here);
    context.routing = routing->value.value();
  }

  runtime::result<runtime::http_response> crash(const json::object& sent) {
    auto got = call(&crash_actor, {}, sent);
    sched.run();
    return got;
  }
  /// How many are told to end.
  int told(const char* name) {
    const auto got = crash({{"actor", name}});
    return got ? parse(got->body()).at("told").to_number<int>() : -1;
  }
  /// What the medium has of the audit log, whoever still lives.
  std::string written() {
    std::string all;
    for (const auto& entry : medium->read_journal("audit", 0, 100).value())
      all += entry.value;
    return all;
  }
  bool all_alive() {
    return is_alive(store.address()) && is_alive(audit.address()) &&
           is_alive(configuration.address()) && is_alive(sessions.address()) &&
           is_alive(connectors.address()) && is_alive(authority.address());
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(admin_chaos_tests, fixture)

CAF_TEST(the actor that is named crashes and no other) {
  CAF_CHECK_EQUAL(told("token_verifier"), 1);
  CAF_CHECK(!is_alive(handles.tokens.address()));
  CAF_CHECK(all_alive());
}

CAF_TEST(the order is audited with who gave it) {
  told("token_verifier");
  const auto order = audited("actor_crash_ordered");
  CAF_CHECK_EQUAL(order.times, 1u);
  CAF_CHECK_EQUAL(order.last.category, "chaos");
  CAF_CHECK_EQUAL(order.last.actor, "ann");
  CAF_CHECK_EQUAL(order.last.target, "token_verifier");
}

CAF_TEST(the order is written before what writes it crashes) {
  CAF_CHECK_EQUAL(told("durable_store"), 1);
  CAF_CHECK(!is_alive(store.address()));
  CAF_CHECK(samples::contains(written(), "actor_crash_ordered"));
}

CAF_TEST(the queues of all groups crash together) {
  const auto& queues = context.routing->queues;
  CAF_REQUIRE_EQUAL(queues.size(), 2u);
  CAF_CHECK_EQUAL(told("group_queue"), 2);
  for (const auto& [group, queue] : queues)
    CAF_CHECK(!is_alive(queue.address()));
  CAF_CHECK(all_alive());
}

CAF_TEST(who has no such name is not found and nothing crashes) {
  for (const auto* name : {"node_supervisor", "store", "Durable_store", "berlin"}) {
    const auto got = crash({{"actor", name}});
    CAF_CHECK_EQUAL(cause_of(got), "actor_unknown");
    CAF_CHECK(got.error().category == runtime::error_category::not_found);
  }
  CAF_CHECK_EQUAL(audited("actor_crash_ordered").times, 0u);
  CAF_CHECK(all_alive());
}

CAF_TEST(an order without a name is refused and not audited) {
  for (const json::object& sent :
       {json::object{}, json::object{{"actor", ""}}, json::object{{"actor", 1}},
        json::object{{"actor", "durable_store"}, {"dry_run", true}}})
    CAF_CHECK_EQUAL(cause_of(crash(sent)), "json_malformed");
  CAF_CHECK_EQUAL(audited("actor_crash_ordered").times, 0u);
  CAF_CHECK(all_alive());
}

CAF_TEST(an actor that is not there is told nothing) {
  handles.tokens = nullptr;
  put_in_force(handles);
  CAF_CHECK_EQUAL(told("token_verifier"), 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
