#define CAF_SUITE fair_line
#include "actors/fair_line.hpp"

#include "tests/unit/actors/connector_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

const actor_time start{std::chrono::hours{1}};

waiting_exchange make(uint64_t id, const std::string& application, milliseconds patience = 1s) {
  waiting_exchange w;
  w.ticket.id = id;
  w.ticket.application = application;
  w.ticket.patience = patience;
  w.deadline = start + patience;
  return w;
}

std::vector<uint64_t> serve_all(fair_line& l) {
  std::vector<uint64_t> order;
  while (auto w = l.serve())
    order.push_back(w->ticket.id);
  return order;
}

using ids = std::vector<uint64_t>;

}  // namespace

CAF_TEST(one application is served in the order it came) {
  fair_line l{10};
  for (uint64_t id = 1; id <= 4; ++id)
    CAF_CHECK(l.enter(make(id, "a")));
  CAF_CHECK(serve_all(l) == (ids{1, 2, 3, 4}));
  CAF_CHECK(l.empty());
}

CAF_TEST(applications take turns) {
  fair_line l{10};
  for (uint64_t id = 1; id <= 4; ++id)
    l.enter(make(id, "flood"));
  l.enter(make(11, "b"));
  l.enter(make(21, "c"));
  l.enter(make(12, "b"));
  CAF_CHECK(serve_all(l) == (ids{1, 11, 21, 2, 12, 3, 4}));
}

CAF_TEST(an application that was just served waits behind the others when it comes back) {
  fair_line l{10};
  l.enter(make(1, "a"));
  l.enter(make(11, "b"));
  l.enter(make(12, "b"));
  CAF_CHECK(l.serve()->ticket.id == 1);
  l.enter(make(2, "a"));
  CAF_CHECK(serve_all(l) == (ids{11, 2, 12}));
}

CAF_TEST(the bound counts by application) {
  fair_line l{2};
  CAF_CHECK(l.enter(make(1, "a")));
  CAF_CHECK(l.enter(make(2, "a")));
  CAF_CHECK(!l.enter(make(3, "a")));
  CAF_CHECK(l.enter(make(4, "b")));
  CAF_CHECK_EQUAL(l.size(), 3u);
}

CAF_TEST(a ticket does not wait twice) {
  fair_line l{10};
  CAF_CHECK(l.enter(make(1, "a")));
  CAF_CHECK(!l.enter(make(1, "b")));
  CAF_CHECK_EQUAL(l.size(), 1u);
}

CAF_TEST(whoever leaves is served no more) {
  fair_line l{10};
  for (uint64_t id = 1; id <= 3; ++id)
    l.enter(make(id, "a"));
  CAF_CHECK(l.leave(2).has_value());
  CAF_CHECK(!l.leave(2).has_value());
  CAF_CHECK(serve_all(l) == (ids{1, 3}));
  CAF_CHECK(!l.leave(1).has_value());
}

CAF_TEST(a line that everybody left is forgotten) {
  fair_line l{1};
  l.enter(make(1, "a"));
  l.leave(1);
  CAF_CHECK(l.enter(make(2, "a")));
  CAF_CHECK(serve_all(l) == (ids{2}));
}

CAF_TEST(only those whose deadline has come expire) {
  fair_line l{10};
  l.enter(make(1, "a", 30ms));
  l.enter(make(2, "a", 10ms));
  l.enter(make(3, "b", 20ms));
  CAF_CHECK(*l.earliest_deadline() == start + 10ms);
  CAF_CHECK_EQUAL(l.expire(start + 9ms).size(), 0u);
  const auto over = l.expire(start + 20ms);
  CAF_REQUIRE_EQUAL(over.size(), 2u);
  CAF_CHECK_EQUAL(over[0].ticket.id, 2u);
  CAF_CHECK_EQUAL(over[1].ticket.id, 3u);
  CAF_CHECK(*l.earliest_deadline() == start + 30ms);
  CAF_CHECK(serve_all(l) == (ids{1}));
  CAF_CHECK(!l.earliest_deadline().has_value());
}
