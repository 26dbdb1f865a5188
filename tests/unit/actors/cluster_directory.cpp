#define CAF_SUITE cluster_directory
// Three nodes of a cluster in one process; the links between them can be cut.
#include "actors/cluster_directory.hpp"

#include "actors/timeouts.hpp"
#include "tests/unit/actors/store_fixture.hpp"

#include <map>
#include <set>

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

using names = std::vector<std::string>;

/// What a directory has told the registry of its node.
using lent_list = std::shared_ptr<names>;

/// A node: its directory, and the gate that the others reach it by. A gate hands on what it gets
/// with the handle of its sender, as the edge does.
struct node_double {
  std::string address;
  cluster_peer_actor gate;
  cluster_directory_actor directory;
  connector_registry_actor registry;
  lent_list lent = std::make_shared<names>();
};

struct network {
  std::map<std::string, node_double> nodes;
  std::set<std::string> unreachable;
};
using network_ptr = std::shared_ptr<network>;

cluster_peer_actor::behavior_type gate_double(cluster_peer_actor::pointer self, network_ptr net,
                                              std::string address) {
  return {[=](deliver_atom, const std::string& bytes) {
    auto from = caf::actor_cast<cluster_peer_actor>(self->current_sender());
    self->send(net->nodes[address].directory, deliver_atom_v, from, bytes);
  }};
}

cluster_transport_actor::behavior_type transport_double(cluster_transport_actor::pointer,
                                                        network_ptr net) {
  return {[net](dial_atom, const std::string& address) -> caf::result<cluster_peer_actor> {
    const auto i = net->nodes.find(address);
    if (i == net->nodes.end() || net->unreachable.contains(address))
      return caf::make_error(caf::sec::cannot_connect_to_node);
    return i->second.gate;
  }};
}

/// The part of connector_registry that a directory talks to. One that is not ready lets who
/// subscribes wait until `expire` comes, and has group "one" then.
connector_registry_actor::behavior_type registry_of(connector_registry_actor::pointer self,
                                                    lent_list lent, bool ready) {
  auto held = std::make_shared<caf::typed_response_promise<names>>();
  const auto nothing = postern::runtime::to_caf(
      {postern::runtime::error_category::internal, "not_asked_here", "test", {}});
  return {
      [=](insert_atom, const connector_record&) -> caf::result<void> { return nothing; },
      [=](find_atom, const std::string&) -> caf::result<connector_record> { return nothing; },
      [=](attach_atom, const tunnel_info&) -> caf::result<connector_connection_actor> {
        return nothing;
      },
      [=](pull_atom, const configuration_pull&) -> caf::result<connector_configuration> {
        return nothing;
      },
      [=](revoke_atom, const std::string&, const std::string&) -> caf::result<void> {
        return nothing;
      },
      [=](drain_atom, const std::string&, bool, const std::string&) -> caf::result<void> {
        return nothing;
      },
      [=](apply_atom, const std::string&, const std::string&,
          const std::string&) -> caf::result<void> { return nothing; },
      [=](list_atom) -> caf::result<std::vector<connector_status>> { return nothing; },
      [](update_atom, const published_ptr&) {},
      [=](subscribe_atom, const routing_subscriber_actor&) -> caf::result<routing_ptr> {
        return nothing;
      },
      [=](subscribe_atom, const group_subscriber_actor&) -> caf::result<names> {
        if (ready) return names{};
        *held = self->make_response_promise<names>();
        return *held;
      },
      [lent](summon_atom, const std::string& group, const std::string& address) {
        lent->push_back(group + " to " + address);
      },
      [](update_atom, const std::vector<postern::runtime::store_news>&) {},
      [](summon_atom, const std::string&) {},
      [held](expire_atom, uint64_t) { held->deliver(names{"one"}); },
  };
}

struct cluster_fixture : store_fixture {
  network_ptr net = std::make_shared<network>();
  cluster_transport_actor transport = own(sys.spawn(transport_double, net));
  bool registries_ready = true;

  void add(const std::string& address, std::vector<std::string> peers = {}) {
    auto& node = net->nodes[address];
    node.address = address;
    node.gate = own(sys.spawn(gate_double, net, address));
    start_directory(node, std::move(peers));
  }

  void start_directory(node_double& node, std::vector<std::string> peers = {}) {
    cluster_directory_dependencies deps;
    deps.settings = {node.address, "for connectors: " + node.address, std::move(peers), "1"};
    deps.store = store;
    deps.connectors = node.registry = own(sys.spawn(registry_of, node.lent, registries_ready));
    deps.transport = transport;
    deps.gate = node.gate;
    deps.clock = &clock;
    deps.random = &random;
    node.directory = own(sys.spawn(cluster_directory, deps));
    consume_messages();
  }

  void run(caf::timespan time) { pass(time, 50ms); }

  std::string connected(const std::string& address) {
    std::string text;
    for (const auto& n :
         value_of(ask<std::vector<cluster_node>>(net->nodes[address].directory, list_atom_v)))
      if (n.connected) {
        text += n.address + "(";
        for (const auto& g : n.groups)
          text += g;
        text += ")";
      }
    return text;
  }
  void has(const std::string& address, names groups) {
    tell(net->nodes[address].directory, update_atom_v, groups);
  }
  void wants(const std::string& address, const std::string& group) {
    tell(net->nodes[address].directory, summon_atom_v, group);
  }
  const names& lent(const std::string& address) { return *net->nodes[address].lent; }
  /// The node is gone: its gate with it.
  void lose(const std::string& address) {
    auto& node = net->nodes[address];
    net->unreachable.insert(address);
    caf::anon_send_exit(node.directory, caf::exit_reason::kill);
    caf::anon_send_exit(node.gate, caf::exit_reason::kill);
    consume_messages();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cluster_directory_tests, cluster_fixture)

CAF_TEST(nodes find each other in the store) {
  add("a");
  add("b");
  add("c");
  run(1s);
  CAF_CHECK_EQUAL(connected("a"), "b()c()");
  CAF_CHECK_EQUAL(connected("b"), "a()c()");
  CAF_CHECK_EQUAL(connected("c"), "a()b()");
}

CAF_TEST(nodes find each other by a list) {
  add("a", {"a", "b"});
  add("b", {"a", "b"});
  run(1s);
  CAF_CHECK_EQUAL(connected("a"), "b()");
  CAF_CHECK_EQUAL(connected("b"), "a()");
  CAF_CHECK(stored("node").empty());
}

CAF_TEST(each knows which groups have tunnels where) {
  add("a");
  add("b");
  run(1s);
  has("b", {"x", "y"});
  CAF_CHECK_EQUAL(connected("a"), "b(xy)");
  has("b", {"y"});
  CAF_CHECK_EQUAL(connected("a"), "b(y)");
  // One that comes later is told as well.
  add("c");
  run(1s);
  CAF_CHECK_EQUAL(connected("c"), "a()b(y)");
}

CAF_TEST(a connector is called over from a node that has one) {
  add("a");
  add("b");
  add("c");
  run(1s);
  has("b", {"x"});
  wants("a", "x");
  CAF_CHECK((lent("b") == names{"x to for connectors: a"}));
  CAF_CHECK(lent("c").empty());
}

CAF_TEST(while nothing comes the next node is asked and then no more) {
  add("a");
  add("b");
  add("c");
  run(1s);
  has("b", {"x"});
  has("c", {"x"});
  wants("a", "x");
  wants("a", "x");
  CAF_CHECK_EQUAL(lent("b").size() + lent("c").size(), 1u);
  run(summon_patience + cluster_tick);
  CAF_CHECK_EQUAL(lent("b").size(), 1u);
  CAF_CHECK_EQUAL(lent("c").size(), 1u);
  has("a", {"x"});
  run(5s);
  CAF_CHECK_EQUAL(lent("b").size() + lent("c").size(), 2u);
}

CAF_TEST(a group that is found later is asked for then) {
  add("a");
  add("b");
  run(1s);
  wants("a", "x");
  run(2s);
  CAF_CHECK(lent("b").empty());
  has("b", {"x"});
  CAF_CHECK_EQUAL(lent("b").size(), 1u);
}

CAF_TEST(what nobody wants any more is not asked for) {
  add("a");
  add("b");
  run(1s);
  wants("a", "x");
  run(wanted_for + 1s);
  has("b", {"x"});
  CAF_CHECK(lent("b").empty());
}

CAF_TEST(a lost node is forgotten and found again) {
  add("a");
  add("b");
  run(1s);
  has("b", {"x"});
  lose("b");
  CAF_CHECK_EQUAL(connected("a"), "");
  wants("a", "x");
  run(10s);
  net->unreachable.clear();
  add("b");
  run(peer_back_off_cap + 1s);
  CAF_CHECK_EQUAL(connected("a"), "b()");
  has("b", {"x"});
  CAF_CHECK_EQUAL(lent("b").size(), 1u);
}

CAF_TEST(a directory that was restarted is told all again) {
  add("a");
  add("b");
  run(1s);
  has("a", {"x"});
  has("b", {"y"});
  for (const auto* which : {"a", "b"}) {
    auto& node = net->nodes[which];
    caf::anon_send_exit(node.directory, caf::exit_reason::kill);
    start_directory(node);
    has(which, {"z"});
    run(presence_interval + 1s);
    CAF_CHECK(connected("a").starts_with("b("));
    CAF_CHECK(connected("b").starts_with("a("));
  }
  CAF_CHECK_EQUAL(connected("a"), "b(z)");
  CAF_CHECK_EQUAL(connected("b"), "a(z)");
}

CAF_TEST(a store that is down disturbs no link) {
  add("a");
  add("b");
  run(1s);
  medium->down = true;
  run(300s);
  CAF_CHECK_EQUAL(connected("a"), "b()");
  has("b", {"x"});
  wants("a", "x");
  CAF_CHECK_EQUAL(lent("b").size(), 1u);
}

CAF_TEST(who leaves is taken off the list) {
  add("a");
  add("b");
  run(1s);
  CAF_CHECK_EQUAL(stored("node").size(), 2u);
  CAF_CHECK_EQUAL(ask_void(net->nodes["b"].directory, drain_atom_v)->cause(), "answered");
  run(120s);
  CAF_CHECK_EQUAL(stored("node").size(), 1u);
}

CAF_TEST(the registry may take its time to begin) {
  registries_ready = false;
  add("a");
  add("b");
  pass(snapshot_timeout);
  CAF_REQUIRE(is_alive(net->nodes["a"].directory.address()));
  tell(net->nodes["b"].registry, expire_atom_v, uint64_t{1});
  run(1s);
  CAF_CHECK_EQUAL(connected("a"), "b(one)");
}

CAF_TEST(a node that is alone does nothing) {
  cluster_directory_dependencies deps;
  deps.store = store;
  const auto alone = own(sys.spawn(cluster_directory, deps));
  consume_messages();
  tell(alone, summon_atom_v, std::string{"x"});
  CAF_CHECK(value_of(ask<std::vector<cluster_node>>(alone, list_atom_v)).empty());
  CAF_CHECK_EQUAL(ask_void(alone, drain_atom_v)->cause(), "answered");
  CAF_CHECK(stored("node").empty());
}

CAF_TEST(what makes no sense is left alone) {
  add("a");
  add("b");
  run(1s);
  for (const std::string bytes : {"", "\x01", "\x7f garbage", "\x01\x02newer"})
    tell(net->nodes["a"].directory, deliver_atom_v, net->nodes["b"].gate, bytes);
  CAF_CHECK_EQUAL(connected("a"), "b()");
}

CAF_TEST_FIXTURE_SCOPE_END()
