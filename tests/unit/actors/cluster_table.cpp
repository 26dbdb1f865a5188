#define CAF_SUITE cluster_table
#include "actors/cluster_table.hpp"

#include "tests/unit/actors/connector_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

cluster_peer_actor::behavior_type peer_double(cluster_peer_actor::pointer) {
  return {[](deliver_atom, const std::string&) {}};
}

using names = std::vector<std::string>;
using peers = std::vector<cluster_peer_actor>;

/// The table of node "b", which dials "c" and "d" and is dialled by "a".
struct table_fixture : fixture {
  cluster_table table{"b"};
  cluster_table::time_point now = cluster_table::time_point{} + 1h;
  postern::runtime::seeded_random_source random{3};

  cluster_peer_actor peer() { return own(sys.spawn(peer_double)); }

  bool heard(const std::string& node, const cluster_peer_actor& from, names groups = {}) {
    return table.heard({.node = node, .version = "1", .groups = std::move(groups)}, from);
  }
  cluster_peer_actor connected(const std::string& node, names groups = {}) {
    auto made = peer();
    heard(node, made, std::move(groups));
    return made;
  }
  std::string lost(const cluster_peer_actor& gone) {
    return table.lost(gone.address(), random, now);
  }
  /// "c" could not be reached; how long it takes until it is dialled again.
  milliseconds wait_after_failure() {
    table.failed("c", random, now);
    auto waited = 0ms;
    while (waited <= peer_back_off_cap && table.take_due(now + waited).empty())
      ++waited;
    return waited;
  }
  /// Names, with a "+" for those who are connected.
  std::string listed() const {
    std::string text;
    for (const auto& node : table.list())
      text += node.address + (node.connected ? "+" : "");
    return text;
  }
  peers asked_again(cluster_table::time_point at) {
    peers out;
    for (const auto& [group, asked] : table.ask_again(at))
      out.push_back(asked);
    return out;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cluster_table_tests, table_fixture)

CAF_TEST(of two nodes only the one with the smaller name dials) {
  table.set_members({"a", "b", "c", "d"}, now);
  CAF_CHECK((table.take_due(now) == names{"c", "d"}));
  CAF_CHECK_EQUAL(listed(), "acd");
}

CAF_TEST(a node is dialled once until the attempt has ended) {
  table.set_members({"c"}, now);
  CAF_CHECK_EQUAL(table.take_due(now).size(), 1u);
  CAF_CHECK(table.take_due(now + 1h).empty());
  table.failed("c", random, now);
  CAF_CHECK_EQUAL(table.take_due(now + peer_back_off).size(), 1u);
  table.linked("c", peer());
  CAF_CHECK(table.take_due(now + 1h).empty());
}

CAF_TEST(a node that cannot be reached is dialled less often but not seldom) {
  table.set_members({"c"}, now);
  CAF_REQUIRE_EQUAL(table.take_due(now).size(), 1u);
  CAF_CHECK(wait_after_failure() <= peer_back_off);
  auto longest = 0ms;
  for (int i = 0; i < 20; ++i)
    longest = std::max(longest, wait_after_failure());
  CAF_CHECK(longest > peer_back_off);
  CAF_CHECK(longest <= peer_back_off_cap);
}

CAF_TEST(a node that was reached is dialled soon after its link is gone) {
  table.set_members({"c"}, now);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 10; ++i)
      table.failed("c", random, now);
    lost(connected("c"));
    CAF_CHECK_EQUAL(table.take_due(now + peer_back_off).size(), 1u);
  }
}

CAF_TEST(a node is shown as connected once it has said who it is) {
  table.set_members({"c"}, now);
  const auto first = peer();
  table.linked("c", first);
  CAF_CHECK_EQUAL(listed(), "c");
  CAF_CHECK(table.peers() == peers{first});
  CAF_CHECK(heard("c", first, {"y", "x"}));
  CAF_CHECK_EQUAL(listed(), "c+");
  CAF_CHECK((table.list().front().groups == names{"x", "y"}));
  CAF_CHECK(!heard("c", first));
  CAF_CHECK(table.list().front().groups.empty());
}

CAF_TEST(a node whose link is gone has no groups and is dialled again) {
  table.set_members({"c"}, now);
  const auto gone = connected("c", {"x"});
  CAF_CHECK_EQUAL(lost(peer()), "");
  CAF_CHECK_EQUAL(lost(gone), "c");
  CAF_CHECK_EQUAL(lost(gone), "");
  CAF_CHECK_EQUAL(listed(), "c");
  CAF_CHECK(table.list().front().groups.empty());
  CAF_CHECK(table.list().front().version == "1");
  CAF_CHECK(table.peers().empty());
  CAF_CHECK_EQUAL(table.take_due(now + peer_back_off).size(), 1u);
}

CAF_TEST(the end of an old link does not touch the one that took its place) {
  const auto before = connected("a", {"x"});
  const auto after = peer();
  CAF_CHECK(heard("a", after));
  CAF_CHECK_EQUAL(lost(before), "");
  CAF_CHECK_EQUAL(listed(), "a+");
  CAF_CHECK(table.peers() == peers{after});
}

CAF_TEST(whoever is no member is forgotten once it is not connected) {
  const auto guest = connected("d");
  table.set_members({}, now);
  CAF_CHECK_EQUAL(listed(), "d+");
  lost(guest);
  CAF_CHECK_EQUAL(listed(), "");
  CAF_CHECK(table.take_due(now + peer_back_off_cap).empty());
}

CAF_TEST(who has become no member while it was connected is forgotten at its end) {
  table.set_members({"c"}, now);
  const auto leaving = connected("c");
  table.set_members({}, now);
  CAF_CHECK_EQUAL(listed(), "c+");
  CAF_CHECK_EQUAL(lost(leaving), "c");
  CAF_CHECK_EQUAL(listed(), "");
}

CAF_TEST(a member that leaves while it is dialled is not dialled a second time) {
  table.set_members({"c"}, now);
  CAF_REQUIRE_EQUAL(table.take_due(now).size(), 1u);
  table.set_members({}, now);
  table.failed("c", random, now);
  CAF_CHECK(table.take_due(now + peer_back_off_cap).empty());
  table.set_members({}, now);
  CAF_CHECK_EQUAL(listed(), "");
}

CAF_TEST(a node that has the group is asked and no other) {
  connected("a", {"y"});
  const auto able = connected("c", {"w", "x"});
  CAF_CHECK(table.want("x", now) == able);
  CAF_CHECK(!table.want("z", now).has_value());
  lost(able);
  CAF_CHECK(!table.want("x", now + summon_patience).has_value());
}

CAF_TEST(those who have the group take turns and each has its time) {
  const auto first = connected("a", {"x"});
  const auto second = connected("c", {"x"});
  CAF_CHECK(table.want("x", now) == first);
  CAF_CHECK(!table.want("x", now).has_value());
  CAF_CHECK(table.ask_again(now + summon_patience - 1ms).empty());
  CAF_CHECK(asked_again(now + summon_patience) == peers{second});
  CAF_CHECK(table.ask_again(now + summon_patience).empty());
  CAF_CHECK(asked_again(now + 2 * summon_patience) == peers{first});
}

CAF_TEST(a group that nobody has is asked for as soon as somebody has it) {
  CAF_CHECK(!table.want("x", now).has_value());
  CAF_CHECK(table.ask_again(now).empty());
  const auto able = connected("a", {"x"});
  CAF_CHECK(asked_again(now) == peers{able});
}

CAF_TEST(what has arrived is not asked for until it is wanted again) {
  const auto able = connected("a", {"x", "y"});
  table.want("x", now);
  table.want("y", now);
  table.arrived({"x", "never wanted"});
  CAF_CHECK_EQUAL(table.ask_again(now + summon_patience).size(), 1u);
  CAF_CHECK(table.want("x", now) == able);
}

CAF_TEST(a group is given up when nobody has called for it for a while) {
  connected("a", {"x"});
  table.want("x", now);
  table.want("x", now + 20s);
  CAF_CHECK_EQUAL(table.ask_again(now + wanted_for + 1s).size(), 1u);
  CAF_CHECK(table.ask_again(now + 20s + wanted_for).empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
