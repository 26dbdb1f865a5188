#define CAF_SUITE connector_registry_drain
// Who is wanted without tunnels, while the store fails, other nodes write and the registry starts:
// what connector_registry_tunnels.cpp leaves open.
#include "actors/actor_support.hpp"
#include "actors/connector_registry.hpp"
#include "actors/timeouts.hpp"
#include "tests/unit/actors/registry_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::store_change;
using postern::runtime::store_news;
using postern::runtime::stored_record;

namespace {

using records = std::vector<stored_record>;
using entries = std::vector<postern::runtime::journal_entry>;

/// A question who is drained, and what the test wants to answer.
struct held_load {
  caf::typed_response_promise<records> promise;
  postern::runtime::result<records> outcome = records{};
};
using held_load_ptr = std::shared_ptr<held_load>;

/// Keeps that question until it is told of news; all else is the real store's.
durable_store_actor::behavior_type holding_store(durable_store_actor::pointer self,
                                                 durable_store_actor real, held_load_ptr held) {
  return {
      [=](load_atom, const std::string& kind) -> caf::result<records> {
        if (kind != drain_kind) return self->delegate(real, load_atom_v, kind);
        held->promise = self->make_response_promise<records>();
        return held->promise;
      },
      [=](find_atom, const std::string& kind, const std::string& key) {
        return self->delegate(real, find_atom_v, kind, key);
      },
      [=](subscribe_atom, const store_subscriber_actor& who) {
        return self->delegate(real, subscribe_atom_v, who);
      },
      [held](update_atom, const std::vector<store_news>&) {
        settle(held->promise, std::move(held->outcome));
      },
      [=](commit_atom, const std::vector<store_change>& changes) {
        return self->delegate(real, commit_atom_v, changes);
      },
      [=](append_atom, const entries& added) { return self->delegate(real, append_atom_v, added); },
      [=](list_atom, const std::string& journal, uint64_t before, uint32_t limit) {
        return self->delegate(real, list_atom_v, journal, before, limit);
      },
  };
}

struct drain_fixture : registry_fixture {
  std::string certificate = authority.sign("c1", "aa", wall.now());

  drain_fixture() { enrol("c1", "aa"); }

  std::string drain(const std::string& id, bool drained = true) {
    return ask_void(registry, drain_atom_v, id, drained, std::string{"admin"})->cause();
  }
  /// As another node does.
  void write_elsewhere(const std::string& id, bool drained = true) {
    using action = store_change::action;
    const auto what = drained ? action::put : action::erase;
    CAF_REQUIRE(
        disk->commit({{.what = what, .kind = drain_kind, .key = id, .value = "root"}}).has_value());
    consume_messages();
  }
  /// A pull that waits until something changes.
  answer_ptr<connector_configuration> waiting(const std::string& id, const std::string& pem) {
    const auto known = pull(id, pem)->value->version;
    const auto a = pull(id, pem, known, 30s);
    CAF_REQUIRE(a->pending());
    return a;
  }
  /// A registry that is told who is drained when the test says so.
  held_load_ptr start_held() {
    auto held = std::make_shared<held_load>();
    const auto real = store;
    store = own(sys.spawn(holding_store, real, held));
    start();
    CAF_REQUIRE(held->promise.pending());
    return held;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(connector_registry_drain_tests, drain_fixture)

CAF_TEST(a drain is a record with who wanted it and a resumption ends it) {
  drain("c1");
  const auto written = disk->find(drain_kind, "c1").value();
  CAF_REQUIRE(written.has_value());
  CAF_CHECK_EQUAL(written->value, "admin");
  drain("c1", false);
  CAF_CHECK(!disk->find(drain_kind, "c1").value().has_value());
}

CAF_TEST(both ways are audited with who did what to whom) {
  drain("c1");
  drain("c1", false);
  CAF_REQUIRE(events->size() >= 2u);
  const auto drained = events->at(events->size() - 2), resumed = events->back();
  CAF_CHECK_EQUAL(drained.action, "connector_drained");
  CAF_CHECK_EQUAL(resumed.action, "connector_resumed");
  for (const auto& event : {drained, resumed}) {
    CAF_CHECK_EQUAL(event.category, "change");
    CAF_CHECK_EQUAL(event.actor, "admin");
    CAF_CHECK_EQUAL(event.target, "c1");
    CAF_CHECK_EQUAL(event.outcome, "success");
  }
}

CAF_TEST(what is so already is not written again) {
  const auto commits = disk->commits;
  CAF_CHECK_EQUAL(drain("c1", false), "answered");
  CAF_CHECK_EQUAL(disk->commits, commits);
  drain("c1");
  CAF_CHECK_EQUAL(drain("c1"), "answered");
  CAF_CHECK_EQUAL(disk->commits, commits + 1);
  CAF_CHECK_EQUAL(count_events("connector_resumed"), 0u);
}

CAF_TEST(the tunnels of a drained connector are its own to end) {
  attach("c1", "aa");
  const auto routing = subscribe();
  drain("c1");
  CAF_CHECK(cuts->empty());
  CAF_CHECK_EQUAL(status("c1").tunnels, 1u);
  CAF_CHECK_EQUAL(place(routing, "one"), "c1");
}

CAF_TEST(only the connector that is meant hears of it) {
  enrol("c2", "bb");
  const auto mine = waiting("c1", certificate);
  const auto other = waiting("c2", authority.sign("c2", "bb", wall.now()));
  drain("c1");
  CAF_REQUIRE(mine->value.has_value());
  CAF_CHECK(mine->value->drained);
  CAF_CHECK(other->pending());
  CAF_CHECK(!status("c2").drained);
}

CAF_TEST(a drain holds in another group as well) {
  drain("c1");
  ask_void(registry, apply_atom_v, std::string{"c1"}, std::string{"two"}, std::string{"admin"});
  const auto a = pull("c1", certificate);
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK_EQUAL(a->value->group, "two");
  CAF_CHECK(a->value->drained);
}

CAF_TEST(a connector that another node drained before it was known here is drained) {
  write_elsewhere("c2");
  enrol("c2", "bb");
  CAF_CHECK(status("c2").drained);
  CAF_CHECK(!status("c1").drained);
}

CAF_TEST(a revoked connector is not resumed either) {
  drain("c1");
  ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(drain("c1", false), "connector_revoked");
  CAF_CHECK(status("c1").drained);
}

// -- other nodes ----------------------------------------------------------------------------------

CAF_TEST(what another node resumes is told to the pull that waits) {
  drain("c1");
  const auto a = waiting("c1", certificate);
  write_elsewhere("c1", false);
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK(!a->value->drained);
}

CAF_TEST(after a gap in the news it is read again who is drained) {
  disk->quiet = true;
  write_elsewhere("c1");
  CAF_CHECK(!status("c1").drained);
  tell(registry, update_atom_v, std::vector<store_news>{{"", "", 0}});
  CAF_CHECK(status("c1").drained);
}

// -- a store that fails ---------------------------------------------------------------------------

CAF_TEST(a drain whose answer was lost is refused and holds all the same) {
  const auto a = waiting("c1", certificate);
  disk->quiet = true;
  disk->forgets_answer = true;
  CAF_CHECK_EQUAL(drain("c1"), "store_down");
  CAF_CHECK(status("c1").drained);
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK(a->value->drained);
}

CAF_TEST(a drain that was not written changes nothing and is not audited) {
  const auto a = waiting("c1", certificate);
  disk->broken = true;
  CAF_CHECK_EQUAL(drain("c1"), "store_down");
  pass(5 * retry_pause);
  disk->broken = false;
  pass(2 * retry_pause);
  CAF_CHECK(a->pending());
  CAF_CHECK(!status("c1").drained);
  CAF_CHECK_EQUAL(count_events("connector_drained"), 0u);
  CAF_CHECK_EQUAL(drain("c1"), "answered");
  CAF_CHECK(status("c1").drained);
}

CAF_TEST(what another node drains is not missed while the store cannot be read) {
  CAF_REQUIRE(disk->commit({{.kind = drain_kind, .key = "c1", .value = "root"}}).has_value());
  disk->broken = true;
  consume_messages();
  pass(3 * retry_pause);
  CAF_CHECK(!status("c1").drained);
  disk->broken = false;
  pass(2 * retry_pause);
  CAF_CHECK(status("c1").drained);
}

// -- start ----------------------------------------------------------------------------------------

CAF_TEST(until it is known who is drained nobody is told anything) {
  write_elsewhere("c1");
  const auto held = start_held();
  const auto a = pull("c1", certificate);
  const auto t = attach("c1", "aa");
  const auto d = ask_void(registry, drain_atom_v, std::string{"c1"}, false, std::string{"admin"});
  CAF_CHECK(a->pending());
  CAF_CHECK(t->pending());
  CAF_CHECK(d->pending());
  held->outcome = disk->load(drain_kind);
  tell(store, update_atom_v, std::vector<store_news>{});
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK(a->value->drained);
  CAF_CHECK_EQUAL(t->cause(), "answered");
  CAF_CHECK_EQUAL(d->cause(), "answered");
  CAF_CHECK(!disk->find(drain_kind, "c1").value().has_value());
}

CAF_TEST(a registry that cannot learn who is drained ends and its supervisor knows why) {
  const auto held = start_held();
  self->monitor(registry);
  held->outcome = postern::runtime::error{
      postern::runtime::error_category::unavailable, "store_down", "service", {}};
  tell(store, update_atom_v, std::vector<store_news>{});
  CAF_CHECK(!is_alive(registry.address()));
  self->receive([](const caf::down_msg& down) {
    CAF_CHECK_EQUAL(postern::runtime::from_caf(down.reason).cause, "store_down");
  });
}

CAF_TEST(a resumption that comes while a drain is written is not lost) {
  caf::anon_send(registry, drain_atom_v, std::string{"c1"}, true, std::string{"admin"});
  CAF_CHECK_EQUAL(drain("c1", false), "answered");
  CAF_CHECK(!status("c1").drained);
  CAF_CHECK(!disk->find(drain_kind, "c1").value().has_value());
}

CAF_TEST(two drains at once are one in the audit log) {
  caf::anon_send(registry, drain_atom_v, std::string{"c1"}, true, std::string{"admin"});
  CAF_CHECK_EQUAL(drain("c1"), "answered");
  CAF_CHECK(status("c1").drained);
  CAF_CHECK_EQUAL(std::ranges::count(*events, "connector_drained", &audit_event::action), 1);
}

CAF_TEST_FIXTURE_SCOPE_END()
