#define CAF_SUITE session_table
#include "actors/session_table.hpp"

#include "tests/unit/actors/session_samples.hpp"

#include <algorithm>

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

user_session_actor::behavior_type session_double(user_session_actor::pointer) {
  return {[](authorize_atom, const access_request&) { return access_decision{}; },
          [](revoke_atom, const std::string&) {}, [](expire_atom, uint64_t) {}};
}

using actors = std::vector<user_session_actor>;

struct table_fixture : fixture {
  session_table table;
  timestamp now = postern::runtime::from_unix_seconds(start_of_time);

  user_session_actor actor() { return own(sys.spawn(session_double)); }

  /// Adds a session that nothing has to end for.
  user_session_actor added(const std::string& id) {
    auto made = actor();
    CAF_CHECK(table.insert({sample_session(id), made, now}, 100).empty());
    return made;
  }
  std::string order() const {
    std::string ids;
    for (const auto& entry : table.entries())
      ids += entry.session.id + " ";
    return ids;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(session_table_tests, table_fixture)

CAF_TEST(a session that is woken goes to the front and is in use from then on) {
  const auto first = added("s1");
  added("s2");
  CAF_CHECK_EQUAL(order(), "s2 s1 ");
  CAF_CHECK(table.find(sample_session("s1"), now + 1h) == first);
  CAF_CHECK_EQUAL(order(), "s1 s2 ");
  CAF_CHECK(table.entries().front().last_used == now + 1h);
  CAF_CHECK(table.entries().back().last_used == now);
}

CAF_TEST(a session of another content is not found and nothing was used) {
  added("s1");
  added("s2");
  auto other = sample_session("s1");
  ++other.expires_at;
  CAF_CHECK(!table.find(other, now + 1h));
  CAF_CHECK(!table.find(sample_session("s3"), now + 1h));
  CAF_CHECK_EQUAL(order(), "s2 s1 ");
  CAF_CHECK(table.entries().back().last_used == now);
}

CAF_TEST(beyond the limit the one that was woken longest ago ends) {
  const auto first = added("s1");
  const auto second = added("s2");
  table.find(sample_session("s1"), now);
  const auto third = actor();
  CAF_CHECK((table.insert({sample_session("s3"), third, now}, 2) == actors{second}));
  CAF_CHECK(!table.find(sample_session("s2"), now));
  CAF_CHECK(table.find(sample_session("s1"), now) == first);
  CAF_CHECK(table.find(sample_session("s3"), now) == third);
}

CAF_TEST(a session takes the place of the one of the same id and costs no other) {
  const auto before = added("s1");
  const auto second = added("s2");
  auto renewed = sample_session("s1");
  ++renewed.expires_at;
  const auto after = actor();
  CAF_CHECK((table.insert({renewed, after, now}, 2) == actors{before}));
  CAF_CHECK_EQUAL(table.size(), 2u);
  CAF_CHECK(table.find(renewed, now) == after);
  CAF_CHECK(!table.find(sample_session("s1"), now));
  CAF_CHECK(table.find(sample_session("s2"), now) == second);
}

CAF_TEST(the end of an actor removes its session and no newer one of the same id) {
  const auto before = added("s1");
  const auto after = actor();
  table.insert({sample_session("s1"), after, now}, 2);
  table.remove(before.address());
  CAF_CHECK(table.find(sample_session("s1"), now) == after);
  table.remove(after.address());
  CAF_CHECK(!table.find(sample_session("s1"), now));
  CAF_CHECK_EQUAL(table.size(), 0u);
  added("s1");
  table.remove(after.address());
  CAF_CHECK_EQUAL(table.size(), 1u);
}

CAF_TEST(sessions that match are removed and the others stay in their order) {
  added("s1");
  const auto second = added("s2");
  added("s3");
  const auto fourth = added("s4");
  const auto removed = table.remove_if([](const session_table::entry& entry) {
    return entry.session.id == "s2" || entry.session.id == "s4";
  });
  CAF_CHECK((std::ranges::is_permutation(removed, actors{second, fourth})));
  CAF_CHECK_EQUAL(order(), "s3 s1 ");
  CAF_CHECK(!table.find(sample_session("s2"), now));
  CAF_CHECK(table.remove_if([](const auto&) { return false; }).empty());
  table.remove(second.address());
  CAF_CHECK_EQUAL(order(), "s3 s1 ");
}

CAF_TEST_FIXTURE_SCOPE_END()
