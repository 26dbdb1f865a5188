#define CAF_SUITE admin_nodes
// The nodes of the cluster, as administrators see and drain them.
#include "edge/admin_resources.hpp"
#include "edge/leave_orders.hpp"
#include "tests/unit/edge/admin_fixture.hpp"

#include <csignal>

using namespace postern;
using namespace postern::edge;
using actors::testing::cause_of;
using runtime::error_category;
namespace json = boost::json;

namespace {

constexpr const char* own_address = "192.0.2.1:7443";
constexpr const char* other_address = "192.0.2.2:7443";
constexpr const char* gone_address = "192.0.2.3:7443";

/// A node that is asked to stop signals its process, which here is the test.
struct ignored_signal {
  void (*before)(int) = std::signal(SIGTERM, SIG_IGN);
  ~ignored_signal() { std::signal(SIGTERM, before); }
};

struct fixture : edge::testing::admin_fixture {
  fixture() {
    options.cluster.address = own_address;
    options.cluster.service_address = "198.51.100.1:443";
    others->push_back({other_address, true, "1.2.3", "198.51.100.2:443", {"paris", "rome"}});
    others->push_back({gone_address, false, {}, {}, {}});
  }

  json::object node(size_t index) {
    return content(&list_nodes).at("nodes").as_array().at(index).as_object();
  }
  std::vector<std::string> groups(size_t index) {
    const auto row = node(index);
    std::vector<std::string> names;
    for (const auto& name : row.at("groups").as_array())
      names.emplace_back(name.as_string());
    return names;
  }
  void check_audited(const char* target) {
    const auto found = audited("node_drained");
    CAF_CHECK_EQUAL(found.times, 1u);
    CAF_CHECK_EQUAL(found.last.actor, "ann");
    CAF_CHECK_EQUAL(found.last.target, target);
  }
  void check_nothing_done() {
    CAF_CHECK(!context.load->stop_asked);
    CAF_CHECK(stored(leave_order_kind).empty());
    CAF_CHECK_EQUAL(audited("node_drained").times, 0u);
  }

  ignored_signal signal;
};

using texts = std::vector<std::string>;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(admin_nodes_tests, fixture)

CAF_TEST(the node that is asked comes first and then all the others) {
  const auto list = content(&list_nodes).at("nodes").as_array();
  CAF_REQUIRE_EQUAL(list.size(), 3u);
  const auto own = list.at(0).as_object(), other = list.at(1).as_object();
  CAF_CHECK_EQUAL(text(own, "address"), own_address);
  CAF_CHECK(own.at("self").as_bool() && own.at("connected").as_bool());
  CAF_CHECK_EQUAL(text(own, "connectors_address"), "198.51.100.1:443");
  CAF_CHECK_EQUAL(text(other, "address"), other_address);
  CAF_CHECK(!other.at("self").as_bool() && other.at("connected").as_bool());
  CAF_CHECK_EQUAL(text(other, "version"), "1.2.3");
  CAF_CHECK_EQUAL(text(other, "connectors_address"), "198.51.100.2:443");
  CAF_CHECK((groups(1) == texts{"paris", "rome"}));
  CAF_CHECK_EQUAL(text(node(2), "address"), gone_address);
  CAF_CHECK(!node(2).at("connected").as_bool());
}

CAF_TEST(the own groups are those with a live tunnel each once) {
  for (const auto* id : {"c1", "c2", "c3"})
    enrol(id);
  CAF_CHECK(groups(0).empty());
  apply({.groups = {{"aachen"}, {"rome"}}, .by = "eve"});
  CAF_REQUIRE(call(&move_connector, "c3", {{"group", "rome"}}).has_value());
  attach("c1");
  attach("c2");
  CAF_CHECK((groups(0) == texts{"berlin"}));
  CAF_REQUIRE(call(&move_connector, "c2", {{"group", "aachen"}}).has_value());
  CAF_CHECK((groups(0) == texts{"aachen", "berlin"}));
}

CAF_TEST(what the node has turned away and that it leaves is shown) {
  CAF_CHECK(!node(0).at("draining").as_bool());
  context.load->deferred = 5;
  context.load->turned_away = 2;
  context.load->draining = true;
  const auto own = node(0);
  CAF_CHECK_EQUAL(own.at("connectors_deferred").to_number<int>(), 5);
  CAF_CHECK_EQUAL(own.at("connectors_turned_away").to_number<int>(), 2);
  CAF_CHECK(own.at("draining").as_bool());
}

CAF_TEST(a node drains itself by either name and the log has its address) {
  for (const auto* name : {"self", own_address}) {
    context.load->stop_asked = false;
    const auto got = call(&drain_node, name);
    CAF_REQUIRE(got.has_value());
    CAF_CHECK_EQUAL(got->result_int(), 202u);
    CAF_CHECK(context.load->stop_asked);
    CAF_CHECK_EQUAL(audited("node_drained").last.target, own_address);
  }
  CAF_CHECK_EQUAL(audited("node_drained").times, 2u);
  CAF_CHECK(stored(leave_order_kind).empty());
}

CAF_TEST(a node that leaves already is not told to end at once) {
  context.load->draining = true;
  CAF_CHECK(call(&drain_node, "self").has_value());
  CAF_CHECK(!context.load->stop_asked);
}

CAF_TEST(a node by itself has no name but self) {
  options.cluster.address.clear();
  others->clear();
  CAF_CHECK_EQUAL(cause_of(call(&drain_node, "")), "node_unknown");
  CAF_CHECK_EQUAL(cause_of(call(&drain_node, own_address)), "node_unknown");
  check_nothing_done();
  CAF_REQUIRE(call(&drain_node, "self").has_value());
  CAF_CHECK(context.load->stop_asked);
  check_audited("self");
}

CAF_TEST(another node gets its order through the store and this one goes on) {
  const auto got = call(&drain_node, other_address);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->result_int(), 202u);
  CAF_CHECK_EQUAL(text(parse(got->body()), "address"), other_address);
  const auto orders = stored(leave_order_kind);
  CAF_REQUIRE_EQUAL(orders.size(), 1u);
  CAF_CHECK_EQUAL(orders[0].key, other_address);
  CAF_CHECK(is_fresh_leave_order(orders[0].value, clock.now()));
  CAF_CHECK(!context.load->stop_asked);
  check_audited(other_address);
}

CAF_TEST(a node that nobody knows is not drained) {
  const auto got = call(&drain_node, "192.0.2.9:7443");
  CAF_REQUIRE(got.has_error());
  CAF_CHECK(got.error().category == error_category::not_found);
  CAF_CHECK_EQUAL(cause_of(got), "node_unknown");
  check_nothing_done();
}

CAF_TEST(a node that cannot be reached gets no order that it might obey much later) {
  const auto got = call(&drain_node, gone_address);
  CAF_REQUIRE(got.has_error());
  CAF_CHECK(got.error().category == error_category::unavailable);
  CAF_CHECK_EQUAL(cause_of(got), "node_unreachable");
  check_nothing_done();
}

CAF_TEST(an order that could not be stored is not claimed) {
  medium->read_only = true;
  CAF_CHECK_EQUAL(cause_of(call(&drain_node, other_address)), "store_failed");
  check_nothing_done();
}

CAF_TEST(without its actors a node still drains itself and nobody else) {
  put_in_force({});
  CAF_CHECK_EQUAL(cause_of(call(&list_nodes)), "actor_down");
  CAF_CHECK_EQUAL(cause_of(call(&drain_node, other_address)), "actor_down");
  check_nothing_done();
  CAF_CHECK(call(&drain_node, "self").has_value());
  CAF_CHECK(context.load->stop_asked);
}

CAF_TEST_FIXTURE_SCOPE_END()
