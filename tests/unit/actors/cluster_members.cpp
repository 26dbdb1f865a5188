#define CAF_SUITE cluster_members
#include "actors/cluster_members.hpp"

#include "runtime/blob.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::actors;
using namespace std::chrono_literals;
using postern::runtime::stored_record;

namespace {

const auto now = postern::runtime::from_unix_seconds(1'750'000'000);

using addresses = std::set<std::string>;

struct store_of_members {
  std::unique_ptr<postern::runtime::store> medium = postern::runtime::make_memory_store();

  void commit(postern::runtime::store_change change) {
    CAF_REQUIRE(medium->commit({std::move(change)}).has_value());
  }
  addresses members(postern::runtime::timestamp at) {
    return read_members(medium->load(node_kind).value(), at);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cluster_members_tests, store_of_members)

CAF_TEST(a node is there from its first record on until it leaves) {
  CAF_CHECK(members(now).empty());
  commit(put_member("192.0.2.1:7443", "1", now));
  commit(put_member("192.0.2.2:7443", "2", now));
  CAF_CHECK((members(now) == addresses{"192.0.2.1:7443", "192.0.2.2:7443"}));
  commit(erase_member("192.0.2.1:7443"));
  CAF_CHECK((members(now) == addresses{"192.0.2.2:7443"}));
}

CAF_TEST(who says nothing for long is left out and comes back with a word) {
  commit(put_member("a", "1", now));
  CAF_CHECK((members(now + member_forgotten - 1s) == addresses{"a"}));
  CAF_CHECK(members(now + member_forgotten + 1s).empty());
  commit(put_member("a", "1", now + member_forgotten));
  CAF_CHECK((members(now + member_forgotten + 1s) == addresses{"a"}));
}

CAF_TEST(a node whose clock is ahead by minutes is there) {
  commit(put_member("a", "1", now + 10min));
  CAF_CHECK((members(now) == addresses{"a"}));
}

CAF_TEST(what cannot be read is left out and hides nobody) {
  const auto good = put_member("good", "1", now).value;
  const auto large = put_member("large", std::string(1'000'000, 'v'), now).value;
  const std::vector<stored_record> records{{node_kind, "empty", "", 1},
                                           {node_kind, "garbage", "\x01nonsense", 2},
                                           {node_kind, "cut", good.substr(0, good.size() - 1), 3},
                                           {node_kind, "large", large, 4},
                                           {node_kind, "good", good, 5}};
  CAF_CHECK((read_members(records, now) == addresses{"good"}));
}

CAF_TEST_FIXTURE_SCOPE_END()
