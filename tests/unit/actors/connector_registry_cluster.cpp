#define CAF_SUITE connector_registry_cluster
// What a connector registry has to do with other nodes.
#include "actors/connector_registry.hpp"
#include "runtime/blob.hpp"
#include "tests/unit/actors/registry_fixture.hpp"

#include <cereal/types/vector.hpp>

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

struct heard {
  std::vector<std::vector<std::string>> groups;
  std::vector<std::string> wanted;
};

group_subscriber_actor::behavior_type recording_follower(group_subscriber_actor::pointer,
                                                         std::shared_ptr<heard> log) {
  return {[log](update_atom, const std::vector<std::string>& g) { log->groups.push_back(g); },
          [log](summon_atom, const std::string& g) { log->wanted.push_back(g); }};
}

using names = std::vector<std::string>;

struct cluster_fixture : registry_fixture {
  std::shared_ptr<heard> log = std::make_shared<heard>();

  /// Another node on the same store.
  connector_registry_actor other =
      own(sys.spawn(connector_registry,
                    connector_registry_dependencies{store, audit, tunnels, configuration, &wall,
                                                    std::chrono::hours{24 * 180}, 2, 100}));
  cluster_fixture() { consume_messages(); }

  names follow() {
    return *ask<names>(registry, subscribe_atom_v, own(sys.spawn(recording_follower, log)))->value;
  }
  std::string revoke_elsewhere(const std::string& id) {
    return ask_void(other, revoke_atom_v, id, std::string{"root"})->cause();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(connector_registry_cluster_tests, cluster_fixture)

CAF_TEST(a connector enrolled at another node is let in) {
  connector_record r;
  r.id = "c1";
  r.group = "one";
  r.serials = {"a1"};
  CAF_REQUIRE_EQUAL(ask_void(other, insert_atom_v, r)->cause(), "answered");
  CAF_CHECK_EQUAL(attach("c1", "a1")->cause(), "answered");
}

CAF_TEST(one whose record was not told of yet is looked up) {
  connector_record r;
  r.id = "c1";
  r.group = "one";
  r.serials = {"a1"};
  // Past every watcher, as if the news were late.
  start();
  disk->quiet = true;
  disk->commit({{.kind = "connector",
                 .key = "c1",
                 .value = postern::runtime::encode_blob(r),
                 .expected_revision = 0}})
      .value();
  CAF_CHECK_EQUAL(attach("c1", "a1")->cause(), "answered");
  CAF_CHECK_EQUAL(attach("c1", "a2")->cause(), "certificate_unknown");
  CAF_CHECK_EQUAL(attach("c2", "a1")->cause(), "connector_unknown");
  disk->broken = true;
  CAF_CHECK_EQUAL(attach("c3", "a1")->cause(), "connector_unknown");
}

CAF_TEST(what another node revokes is cut here) {
  enrol("c1", "a1");
  CAF_REQUIRE_EQUAL(attach("c1", "a1")->cause(), "answered");
  CAF_REQUIRE_EQUAL(revoke_elsewhere("c1"), "answered");
  CAF_REQUIRE_EQUAL(cuts->size(), 1u);
  CAF_CHECK_EQUAL(cuts->front().why, "the connector was revoked");
  CAF_CHECK_EQUAL(attach("c1", "a1")->cause(), "connector_revoked");
}

CAF_TEST(a revocation of another node is not missed while the store is down) {
  enrol("c1", "a1");
  CAF_REQUIRE_EQUAL(attach("c1", "a1")->cause(), "answered");
  auto revoked = *record("c1");
  revoked.revoked = true;
  disk->commit(
          {{.kind = "connector", .key = "c1", .value = postern::runtime::encode_blob(revoked)}})
      .value();
  disk->broken = true;
  consume_messages();
  CAF_CHECK(cuts->empty());
  disk->broken = false;
  pass(2s);
  CAF_CHECK_EQUAL(cuts->size(), 1u);
}

CAF_TEST(followers know the groups with tunnels here) {
  enrol("c1", "a1", "one");
  enrol("c2", "a2", "one");
  enrol("c3", "a3", "two");
  CAF_CHECK(follow().empty());
  const auto first = attach("c1", "a1");
  attach("c2", "a2");
  CAF_REQUIRE_EQUAL(log->groups.size(), 1u);
  CAF_CHECK((log->groups.back() == names{"one"}));
  attach("c3", "a3");
  CAF_CHECK((log->groups.back() == names{"one", "two"}));
  tell(*first->value, closed_atom_v, std::string{"gone"});
  CAF_CHECK((log->groups.back() == names{"one", "two"}));
  CAF_REQUIRE_EQUAL(revoke_elsewhere("c3"), "answered");
}

CAF_TEST(an exchange that waits without a tunnel calls for one and not too often) {
  follow();
  const auto routing = subscribe();
  exchange_ticket t;
  t.application = "wiki";
  t.patience = 5s;
  for (t.id = 1; t.id < 5; ++t.id)
    ask<dispatch>(routing->queues.at("one"), submit_atom_v, t);
  CAF_CHECK((log->wanted == names{"one"}));
  pass(summon_interval, summon_interval);
  ask<dispatch>(routing->queues.at("one"), submit_atom_v, t);
  CAF_CHECK((log->wanted == names{"one", "one"}));
}

CAF_TEST(connectors of a group take turns at being lent) {
  enrol("c1", "a1");
  enrol("c2", "a2");
  attach("c1", "a1");
  attach("c2", "a2");
  for (int i = 0; i < 4; ++i)
    tell(registry, summon_atom_v, std::string{"one"}, std::string{"192.0.2.2:443"});
  CAF_REQUIRE_EQUAL(cuts->size(), 4u);
  CAF_CHECK_EQUAL(cuts->front().why, "summon to 192.0.2.2:443");
  CAF_CHECK(cuts->at(0).id != cuts->at(1).id);
  CAF_CHECK(cuts->at(0).id == cuts->at(2).id);
  tell(registry, summon_atom_v, std::string{"two"}, std::string{"192.0.2.2:443"});
  CAF_CHECK_EQUAL(cuts->size(), 4u);
}

CAF_TEST_FIXTURE_SCOPE_END()
