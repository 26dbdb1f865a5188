#define CAF_SUITE summoned_nodes
#include "actors/summoned_nodes.hpp"

#include <caf/test/dsl.hpp>

#include <algorithm>
#include <set>

using namespace postern::actors;

namespace {

struct nodes_fixture {
  summoned_nodes nodes;

  /// The slots that are dialled when a node asks.
  std::vector<uint32_t> summon(const std::string& address, uint32_t tunnels = 1) {
    std::vector<uint32_t> slots;
    for (const auto& dial : nodes.on_summons(address, tunnels)) {
      CAF_CHECK_EQUAL(dial.address, address);
      slots.push_back(dial.slot);
    }
    return slots;
  }
  static std::string node(size_t number) { return "192.0.2." + std::to_string(number) + ":443"; }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(summoned_nodes_tests, nodes_fixture)

CAF_TEST(slots of summoned tunnels are no slots of the configuration) {
  CAF_CHECK(!summoned_nodes::owns(0));
  CAF_CHECK(!summoned_nodes::owns(first_summoned_slot - 1));
  for (const auto slot : summon(node(1), 3))
    CAF_CHECK(summoned_nodes::owns(slot));
}

CAF_TEST(a node gets as many tunnels as it asks for however often it asks) {
  const auto first = summon(node(1), 2);
  CAF_REQUIRE_EQUAL(first.size(), 2u);
  CAF_CHECK(summon(node(1), 2).empty());
  nodes.on_opened(first[0]);
  CAF_CHECK(summon(node(1), 2).empty());
  CAF_CHECK(summon(node(1), 1).empty());
  const auto more = summon(node(1), 4);
  std::set<uint32_t> all{first.begin(), first.end()};
  all.insert(more.begin(), more.end());
  CAF_CHECK_EQUAL(more.size(), 2u);
  CAF_CHECK_EQUAL(all.size(), 4u);
}

CAF_TEST(the tunnels to one node are none to another) {
  const auto one = summon(node(1), 2);
  const auto other = summon(node(2), 2);
  CAF_CHECK_EQUAL(other.size(), 2u);
  CAF_CHECK(std::ranges::find_first_of(one, other) == one.end());
}

CAF_TEST(a tunnel that has ended is replaced when its node asks again) {
  const auto slots = summon(node(1), 2);
  CAF_REQUIRE_EQUAL(slots.size(), 2u);
  nodes.on_opened(slots[0]);
  nodes.on_opened(slots[1]);
  nodes.on_closed(slots[0]);
  CAF_CHECK((nodes.up() == std::vector<uint32_t>{slots[1]}));
  const auto again = summon(node(1), 2);
  CAF_REQUIRE_EQUAL(again.size(), 1u);
  CAF_CHECK_NOT_EQUAL(again[0], slots[1]);
}

CAF_TEST(only what has opened is up) {
  const auto slots = summon(node(1), 2);
  CAF_REQUIRE_EQUAL(slots.size(), 2u);
  CAF_CHECK(nodes.up().empty());
  nodes.on_opened(slots[1]);
  nodes.on_opened(slots[1]);
  CAF_CHECK((nodes.up() == std::vector<uint32_t>{slots[1]}));
  CAF_CHECK_EQUAL(nodes.open(), 1u);
  nodes.on_closed(slots[1]);
  CAF_CHECK_EQUAL(nodes.open(), 0u);
}

CAF_TEST(a tunnel that opens after it was given up is not up) {
  const auto slots = summon(node(1));
  nodes.on_closed(slots.at(0));
  nodes.on_opened(slots.at(0));
  nodes.on_opened(0);
  CAF_CHECK_EQUAL(nodes.open(), 0u);
  CAF_CHECK(nodes.up().empty());
}

CAF_TEST(nodes beyond the bound are refused until one of the others is gone) {
  const auto first = summon(node(0), 2);
  for (size_t i = 1; i < largest_summoned_count; ++i)
    CAF_REQUIRE_EQUAL(summon(node(i)).size(), 1u);
  CAF_CHECK(summon("one too many").empty());
  CAF_CHECK_EQUAL(summon(node(1), 2).size(), 1u);
  nodes.on_closed(first.at(0));
  CAF_CHECK(summon("one too many").empty());
  nodes.on_closed(first.at(1));
  CAF_CHECK_EQUAL(summon("one too many").size(), 1u);
}

CAF_TEST(a node that asks for nothing takes no place) {
  for (size_t i = 0; i < 2 * largest_summoned_count; ++i)
    CAF_CHECK(summon(node(i), 0).empty());
  CAF_CHECK_EQUAL(summon("one that asks").size(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
