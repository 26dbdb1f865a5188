#define CAF_SUITE connector_registry
#include "actors/timeouts.hpp"
#include "tests/unit/actors/registry_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::error_category;

namespace {

/// Lets its subscriber wait until `apply` comes.
configuration_actor::behavior_type slow_configuration(configuration_actor::pointer self,
                                                      std::shared_ptr<publisher> p) {
  auto held = std::make_shared<caf::typed_response_promise<published_ptr>>();
  return {
      [p](lookup_atom) { return p->published; },
      [p, held](apply_atom, const change_request&) {
        held->deliver(p->published);
        return change_report{};
      },
      [=](subscribe_atom, const configuration_subscriber_actor&) -> caf::result<published_ptr> {
        *held = self->make_response_promise<published_ptr>();
        return *held;
      },
  };
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(connector_registry_tests, registry_fixture)

// -- start ----------------------------------------------------------------------------------------

CAF_TEST(what is asked before the records are loaded is answered afterwards) {
  CAF_CHECK_EQUAL(enrol("c1", "aa"), "answered");
  caf::anon_send_exit(registry, caf::exit_reason::kill);
  consume_messages();
  auto fresh = own(sys.spawn(
      connector_registry, connector_registry_dependencies{store, audit, tunnels, configuration,
                                                          &wall, std::chrono::hours{1}, 2, 100}));
  // Reaches the mailbox before the answers of store and configuration do.
  auto response = self->request(fresh, 5s, find_atom_v, std::string{"c1"});
  consume_messages();
  CAF_REQUIRE(!self->mailbox().empty());
  response.receive([](const connector_record& r) { CAF_CHECK_EQUAL(r.id, "c1"); },
                   [](const caf::error&) { CAF_FAIL("refused"); });
}

CAF_TEST(a store that is down at the start ends the registry for its supervisor to retry) {
  disk->broken = true;
  start();
  CAF_CHECK(!is_alive(registry.address()));
  disk->broken = false;
  start();
  CAF_CHECK(is_alive(registry.address()));
}

CAF_TEST(what is published may take its time to be read) {
  // As long as three slow answers of the store.
  configuration = own(sys.spawn(slow_configuration, published));
  start();
  pass(3 * store_timeout);
  CAF_REQUIRE(is_alive(registry.address()));
  tell(configuration, apply_atom_v, change_request{});
  CAF_CHECK_EQUAL(ask<std::vector<connector_status>>(registry, list_atom_v)->cause(), "answered");
}

CAF_TEST(a damaged record is skipped and the others are loaded) {
  enrol("c1", "aa");
  postern::runtime::store_change put;
  put.kind = connector_kind;
  put.key = "bad";
  put.value = "garbage";
  CAF_REQUIRE(disk->commit({put}).has_value());
  start();
  CAF_CHECK(record("c1").has_value());
  CAF_CHECK(!record("bad").has_value());
}

// -- records --------------------------------------------------------------------------------------

CAF_TEST(an enrolled connector is durable before it is answered) {
  CAF_CHECK_EQUAL(enrol("c1", "aa"), "answered");
  CAF_CHECK_EQUAL(disk->load(connector_kind)->size(), 1u);
  start();
  const auto r = record("c1");
  CAF_REQUIRE(r.has_value());
  CAF_CHECK_EQUAL(r->group, "one");
  CAF_CHECK(r->serials == (std::vector<std::string>{"aa"}));
}

CAF_TEST(an unknown connector is not found) {
  const auto a = ask<connector_record>(registry, find_atom_v, std::string{"nobody"});
  CAF_CHECK_EQUAL(a->cause(), "connector_unknown");
  CAF_CHECK(a->failure->category == error_category::not_found);
}

CAF_TEST(a store that fails refuses the change and nothing is remembered) {
  disk->broken = true;
  CAF_CHECK_EQUAL(enrol("c1", "aa"), "store_down");
  disk->broken = false;
  CAF_CHECK(!record("c1").has_value());
  CAF_CHECK_EQUAL(enrol("c1", "aa"), "answered");
}

CAF_TEST(a commit whose answer is lost is found out) {
  enrol("c1", "aa");
  attach("c1", "aa");
  disk->forgets_answer = true;
  const auto a = ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(a->cause(), "store_down");
  disk->forgets_answer = false;
  CAF_CHECK(record("c1")->revoked);
  CAF_CHECK_EQUAL(cuts->size(), 1u);
  CAF_CHECK_EQUAL(enrol("c2", "bb"), "answered");
}

CAF_TEST(a renewal adds its serial and keeps what an administrator decided) {
  enrol("c1", "aa");
  ask_void(registry, apply_atom_v, std::string{"c1"}, std::string{"two"}, std::string{"admin"});
  CAF_CHECK_EQUAL(enrol("c1", "bb"), "answered");
  const auto r = record("c1");
  CAF_CHECK(r->serials == (std::vector<std::string>{"aa", "bb"}));
  CAF_CHECK_EQUAL(r->group, "two");
}

CAF_TEST(the certificate of a live tunnel counts however often it is renewed) {
  enrol("c1", "aa");
  attach("c1", "aa");
  for (size_t i = 0; i < 2 * largest_serial_count; ++i)
    CAF_REQUIRE_EQUAL(enrol("c1", "new" + std::to_string(i)), "answered");
  const auto serials = record("c1")->serials;
  CAF_CHECK_EQUAL(serials.size(), largest_serial_count);
  CAF_CHECK_EQUAL(serials.front(), "aa");
  CAF_CHECK_EQUAL(serials.back(), "new" + std::to_string(2 * largest_serial_count - 1));
  CAF_CHECK_EQUAL(attach("c1", "aa")->cause(), "answered");
}

CAF_TEST(the certificate that renews counts however often no answer arrives) {
  enrol("c1", "aa");
  for (size_t i = 0; i < 2 * largest_serial_count; ++i) {
    connector_record renewed;
    renewed.id = "c1";
    renewed.serials = {"aa", "new" + std::to_string(i)};
    CAF_REQUIRE_EQUAL(ask_void(registry, insert_atom_v, renewed)->cause(), "answered");
  }
  const auto count = record("c1")->serials.size();
  CAF_CHECK_EQUAL(count, largest_serial_count);
  CAF_CHECK_EQUAL(attach("c1", "aa")->cause(), "answered");
}

CAF_TEST(the same insert twice is written once) {
  enrol("c1", "aa");
  const auto commits = disk->commits;
  CAF_CHECK_EQUAL(enrol("c1", "aa"), "answered");
  CAF_CHECK_EQUAL(disk->commits, commits);
}

CAF_TEST(a renewal does not undo a revocation) {
  enrol("c1", "aa");
  ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(enrol("c1", "bb"), "connector_revoked");
  CAF_CHECK(record("c1")->revoked);
}

CAF_TEST(changes that arrive together all take effect) {
  enrol("c1", "aa");
  caf::anon_send(registry, apply_atom_v, std::string{"c1"}, std::string{"two"}, std::string{"a"});
  caf::anon_send(registry, revoke_atom_v, std::string{"c1"}, std::string{"b"});
  for (int i = 0; i < 20; ++i) {
    connector_record r;
    r.id = "x" + std::to_string(i);
    r.group = "one";
    caf::anon_send(registry, insert_atom_v, r);
  }
  consume_messages();
  start();
  CAF_CHECK(record("c1")->revoked);
  CAF_CHECK_EQUAL(std::string{record("c1")->group}, "two");
  CAF_CHECK(record("x19").has_value());
}

CAF_TEST(changes beyond the bound are refused) {
  auto refused = std::make_shared<size_t>(0);
  for (size_t i = 0; i < largest_change_queue + 10; ++i)
    sys.spawn([=, to = registry](caf::event_based_actor* me) {
      connector_record r;
      r.id = std::to_string(i);
      me->request(to, request_patience, insert_atom_v, r)
          .then([] {},
                [refused](caf::error& e) {
                  if (postern::runtime::from_caf(e).cause == "registry_busy") ++*refused;
                });
    });
  // All of them are asked before the store answers the first.
  while (sched.has_job()) {
    if (sched.jobs.size() > 1 &&
        sched.jobs.front() ==
            dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(store))) {
      sched.jobs.push_back(sched.jobs.front());
      sched.jobs.pop_front();
    }
    sched.run_once();
  }
  CAF_CHECK_EQUAL(*refused, 10u);
}

// -- attach ---------------------------------------------------------------------------------------

CAF_TEST(an enrolled connector is let in and takes exchanges of its group) {
  enrol("c1", "aa");
  const auto routing = subscribe();
  CAF_CHECK_EQUAL(place(routing, "one"), "no_connector");
  CAF_CHECK(attach("c1", "aa")->value.has_value());
  CAF_CHECK_EQUAL(place(routing, "one"), "c1");
  CAF_CHECK_EQUAL(place(routing, "two"), "no_connector");
}

CAF_TEST(unknown and revoked connectors and unknown certificates are refused) {
  enrol("c1", "aa");
  enrol("c2", "bb");
  ask_void(registry, revoke_atom_v, std::string{"c2"}, std::string{"admin"});
  const auto refused = [this](const std::string& id, const std::string& serial) {
    const auto a = attach(id, serial);
    CAF_CHECK(a->failure && a->failure->category == error_category::forbidden);
    return a->cause();
  };
  CAF_CHECK_EQUAL(refused("nobody", "aa"), "connector_unknown");
  CAF_CHECK_EQUAL(refused("c2", "bb"), "connector_revoked");
  CAF_CHECK_EQUAL(refused("c1", "bb"), "certificate_unknown");
  CAF_CHECK_EQUAL(refused("c1", ""), "certificate_unknown");
}

CAF_TEST(the capacity of a tunnel is bounded by the node) {
  enrol("c1", "aa");
  attach("c1", "aa", "i1", 1'000'000);
  const auto routing = subscribe();
  for (int i = 0; i < 100; ++i)
    CAF_REQUIRE_EQUAL(place(routing, "one"), "c1");
  CAF_CHECK_EQUAL(place(routing, "one"), "queue_timeout");
}

CAF_TEST(a connector cannot open tunnels without end) {
  enrol("c1", "aa");
  for (uint32_t i = 0; i < tunnel_allowance * 2; ++i)
    CAF_REQUIRE(attach("c1", "aa")->value.has_value());
  CAF_CHECK_EQUAL(attach("c1", "aa")->cause(), "too_many_tunnels");
}

CAF_TEST(a closed tunnel is forgotten) {
  enrol("c1", "aa");
  const auto c = attach("c1", "aa");
  CAF_CHECK_EQUAL(status("c1").tunnels, 1u);
  tell(*c->value, closed_atom_v, std::string{"gone"});
  CAF_CHECK_EQUAL(status("c1").tunnels, 0u);
  CAF_CHECK(!status("c1").connected);
  CAF_CHECK(cuts->empty());
}

CAF_TEST(a connection that crashes has its tunnel cut and takes no more exchanges) {
  enrol("c1", "aa");
  const auto c = attach("c1", "aa");
  const auto routing = subscribe();
  caf::anon_send_exit(*c->value, caf::exit_reason::kill);
  consume_messages();
  CAF_REQUIRE_EQUAL(cuts->size(), 1u);
  CAF_CHECK_EQUAL(cuts->front().id.number, 1u);
  CAF_CHECK_EQUAL(place(routing, "one"), "no_connector");
}

// -- revoke and move ------------------------------------------------------------------------------

CAF_TEST(revoking cuts every tunnel and is recorded) {
  enrol("c1", "aa");
  enrol("c2", "bb");
  attach("c1", "aa");
  attach("c1", "aa");
  attach("c2", "bb");
  const auto a = ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(a->cause(), "answered");
  CAF_CHECK_EQUAL(cuts->size(), 2u);
  CAF_CHECK(!status("c1").connected);
  CAF_CHECK(status("c2").connected);
  CAF_CHECK_EQUAL(attach("c1", "aa")->cause(), "connector_revoked");
  CAF_REQUIRE_EQUAL(count_events("connector_revoked"), 1u);
  CAF_CHECK_EQUAL(events->back().actor, "admin");
  start();
  CAF_CHECK_EQUAL(attach("c1", "aa")->cause(), "connector_revoked");
}

CAF_TEST(revoking that could not be stored cuts nothing) {
  enrol("c1", "aa");
  attach("c1", "aa");
  disk->broken = true;
  const auto a = ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(a->cause(), "store_down");
  CAF_CHECK(cuts->empty());
  CAF_CHECK_EQUAL(count_events("connector_revoked"), 0u);
}

CAF_TEST(revoking twice is no error and an unknown connector is one) {
  enrol("c1", "aa");
  ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  const auto again = ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(again->cause(), "answered");
  const auto a = ask_void(registry, revoke_atom_v, std::string{"nobody"}, std::string{"admin"});
  CAF_CHECK_EQUAL(a->cause(), "connector_unknown");
}

CAF_TEST(a moved connector serves its new group at once) {
  enrol("c1", "aa");
  attach("c1", "aa");
  const auto routing = subscribe();
  const auto a =
      ask_void(registry, apply_atom_v, std::string{"c1"}, std::string{"two"}, std::string{"admin"});
  CAF_CHECK_EQUAL(a->cause(), "answered");
  CAF_CHECK_EQUAL(place(routing, "one"), "no_connector");
  CAF_CHECK_EQUAL(place(routing, "two"), "c1");
  CAF_CHECK_EQUAL(count_events("connector_moved"), 1u);
}

CAF_TEST(a connector does not move to a group that does not exist) {
  enrol("c1", "aa");
  const auto a = ask_void(registry, apply_atom_v, std::string{"c1"}, std::string{"nowhere"},
                          std::string{"admin"});
  CAF_CHECK_EQUAL(a->cause(), "group_unknown");
}

// -- queues and routing ---------------------------------------------------------------------------

CAF_TEST(every published group has a queue and subscribers hear of changes) {
  const auto first = subscribe();
  CAF_CHECK_EQUAL(first->queues.size(), 2u);
  CAF_CHECK_EQUAL(first->published->version, 1u);
  publish(2, {"one", "three"}, {});
  CAF_REQUIRE(!routings->empty());
  const auto& last = *routings->back();
  CAF_CHECK_EQUAL(last.published->version, 2u);
  CAF_CHECK(last.queues.contains("one") && last.queues.contains("three"));
  CAF_CHECK(!last.queues.contains("two"));
  CAF_CHECK(last.queues.at("one") == first->queues.at("one"));
  CAF_CHECK(!is_alive(first->queues.at("two").address()));
}

CAF_TEST(an older snapshot is not taken over) {
  publish(5, {"one"}, {});
  publish(4, {"one", "two"}, {});
  CAF_CHECK_EQUAL(subscribe()->published->version, 5u);
}

CAF_TEST(a queue that crashes is replaced and the live connections attach to the new one) {
  enrol("c1", "aa");
  attach("c1", "aa");
  const auto before = subscribe();
  caf::anon_send_exit(before->queues.at("one"), caf::exit_reason::kill);
  consume_messages();
  CAF_REQUIRE_EQUAL(routings->size(), 1u);
  const auto after = routings->back();
  CAF_CHECK(after->queues.at("one") != before->queues.at("one"));
  CAF_CHECK_EQUAL(place(after, "one"), "c1");
}

CAF_TEST(a queue that crashes again and again takes the registry with it) {
  subscribe();
  for (unsigned i = 0; i <= largest_restart_count; ++i) {
    CAF_REQUIRE(is_alive(registry.address()));
    const auto queue = i == 0 ? subscribe()->queues.at("one") : routings->back()->queues.at("one");
    caf::anon_send_exit(queue, caf::exit_reason::kill);
    consume_messages();
  }
  CAF_CHECK(!is_alive(registry.address()));
}

CAF_TEST(a subscriber that ended is told no more) {
  const auto edge = sys.spawn(recording_edge, routings);
  ask<routing_ptr>(registry, subscribe_atom_v, edge);
  caf::anon_send_exit(edge, caf::exit_reason::kill);
  consume_messages();
  publish(2, {"one"}, {});
  CAF_CHECK(routings->empty());
}

CAF_TEST(a group that is no longer published keeps its connections until they end) {
  enrol("c1", "aa");
  const auto c = attach("c1", "aa");
  publish(2, {"two"}, {});
  CAF_CHECK(status("c1").connected);
  CAF_CHECK_EQUAL(place(subscribe(), "one"), "c1");
  tell(*c->value, closed_atom_v, std::string{"gone"});
  CAF_CHECK(!subscribe()->queues.contains("one"));
}

CAF_TEST(when the registry ends its queues and connections end and its tunnels stay) {
  enrol("c1", "aa");
  const auto c = attach("c1", "aa");
  const auto routing = subscribe();
  caf::anon_send_exit(registry, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK(cuts->empty());
  CAF_CHECK(!is_alive(c->value->address()));
  CAF_CHECK(!is_alive(routing->queues.at("one").address()));
}

// -- list -----------------------------------------------------------------------------------------

CAF_TEST(the list says who is connected and how much runs) {
  enrol("c1", "aa");
  enrol("c2", "bb");
  attach("c1", "aa");
  attach("c1", "aa");
  const auto routing = subscribe();
  for (int i = 0; i < 5; ++i)
    place(routing, "one");
  const auto s = status("c1");
  CAF_CHECK(s.connected);
  CAF_CHECK_EQUAL(s.tunnels, 2u);
  CAF_CHECK_EQUAL(s.exchanges, 5u);
  CAF_CHECK_EQUAL(s.version, "1.2.3");
  CAF_CHECK_EQUAL(s.address, "192.0.2.7");
  CAF_CHECK(!s.duplicate);
  const auto idle = status("c2");
  CAF_CHECK(!idle.connected);
  CAF_CHECK(idle.last_seen == timestamp{});
}

CAF_TEST(a list that waits for the queues when the registry ends is refused) {
  enrol("c1", "aa");
  attach("c1", "aa");
  auto response = self->request(registry, 5s, list_atom_v);
  CAF_REQUIRE(sched.prioritize(registry));
  sched.run_once();
  caf::anon_send_exit(registry, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_REQUIRE(!self->mailbox().empty());
  response.receive([](const std::vector<connector_status>&) { CAF_FAIL("nobody could answer"); },
                   [](const caf::error& e) {
                     CAF_CHECK_EQUAL(postern::runtime::from_caf(e).cause, "registry_ended");
                   });
}

CAF_TEST(last seen is now while a tunnel is up and then when it ended) {
  enrol("c1", "aa");
  const auto c = attach("c1", "aa");
  wall.advance(1h);
  CAF_CHECK(status("c1").last_seen == wall.now());
  tell(*c->value, closed_atom_v, std::string{"gone"});
  const auto then = wall.now();
  wall.advance(1h);
  CAF_CHECK(status("c1").last_seen == then);
}

CAF_TEST_FIXTURE_SCOPE_END()
