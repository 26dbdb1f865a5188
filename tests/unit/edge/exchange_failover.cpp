#define CAF_SUITE exchange_failover
// What an exchange may send again to another connector after it has lost one, and what it must not.
#include "edge/exchange.hpp"
#include "tests/unit/edge/exchange_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using actors::exchange_outcome;

namespace {

struct fixture : edge::testing::exchange_fixture {
  void lose(edge::testing::played_connector& c) {
    c.on->cut("lost");
    wait_for_end();
    check_failed("connector_lost", "connector", 502);
    check_released(c, exchange_outcome::connector_lost);
  }
  /// Lets the connector ask for the request's content, or its end.
  void open(edge::testing::played_connector& c, test::noted_stream& at) {
    CAF_CHECK_EQUAL(subject.content_room(), 0u);
    const auto woken = user.woken;
    c.session().open_window(at, 100);
    CAF_REQUIRE(works_until([&] { return user.woken > woken || at.log.ends_with("end "); }));
  }
  /// Says that the origin is about to get the request, and something else behind it.
  void say_started(edge::testing::played_connector& c, test::noted_stream& at) {
    c.session().submit_interim(at, {{":status", "102"}, {"postern-origin", "started"}});
    c.session().submit_interim(at, {{":status", "103"}});
    CAF_REQUIRE(works_until([&] { return !user.log.empty(); }));
    CAF_CHECK_EQUAL(user.log, "interim 103  ");
    user.log.clear();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(exchange_failover_tests, fixture)

CAF_TEST(a request that may be repeated goes to another connector once) {
  auto &first = add_connector("c1"), &second = add_connector("c2");
  send(get(), first);
  lose(first);
  CAF_REQUIRE(subject.may_retry());
  send(get(), second);
  CAF_CHECK_EQUAL(subject.connector(), "c2");
  CAF_REQUIRE_EQUAL(script->asked.size(), 2u);
  CAF_CHECK_EQUAL(script->asked[0].avoid, "");
  CAF_CHECK_EQUAL(script->asked[1].avoid, "c1");
  CAF_CHECK(script->asked[1].patience <= script->asked[0].patience);
  lose(second);
  CAF_CHECK(!subject.may_retry());
  CAF_CHECK_EQUAL(user.log, "");
}

CAF_TEST(the user sees nothing of the connector that was lost) {
  auto &first = add_connector("c1"), &second = add_connector("c2");
  send(get(), first);
  lose(first);
  respond(second, send(get(), second), {{":status", "200"}}, true);
  CAF_CHECK(subject.current() == exchange::state::completed);
  CAF_CHECK_EQUAL(user.log, "head 200 ended ");
  check_released(second, exchange_outcome::completed);
}

CAF_TEST(a request that must not be repeated is held back until the connector asks for its end) {
  auto &first = add_connector("c1"), &second = add_connector("c2");
  auto& kept = send(post(), first);
  lose(first);
  CAF_CHECK_EQUAL(kept.log.find("end"), kept.log.npos);
  CAF_CHECK(subject.may_retry());
  auto& at = send(post(), second);
  CAF_CHECK_EQUAL(at.log.find("end"), at.log.npos);
  open(second, at);
  CAF_CHECK(at.log.ends_with("end "));
  lose(second);
  CAF_CHECK(!subject.may_retry());
}

CAF_TEST(a request that must not be repeated does not move once its origin has started) {
  auto& c = add_connector("c1");
  auto& at = send(post(), c);
  say_started(c, at);
  lose(c);
  CAF_CHECK(!subject.may_retry());
}

CAF_TEST(content that was taken from the user cannot be sent again) {
  auto &first = add_connector("c1"), &second = add_connector("c2");
  auto& untouched = send(put(), first);
  open(first, untouched);
  lose(first);
  CAF_CHECK(subject.may_retry());
  auto& at = send(put(), second);
  open(second, at);
  subject.content("x");
  lose(second);
  CAF_CHECK(!subject.may_retry());
  CAF_CHECK_EQUAL(subject.content_room(), 0u);
}

CAF_TEST(an end that was handed over counts as content although there was none) {
  auto& c = add_connector("c1");
  auto& at = send(put(), c);
  open(c, at);
  subject.content_end({});
  lose(c);
  CAF_CHECK(!subject.may_retry());
}

CAF_TEST(a connector that refuses has started nothing and is left for another) {
  auto& c = add_connector("c1");
  for (unsigned attempt = 1; attempt <= actors::most_attempts; ++attempt) {
    auto& at = send(post(), c);
    open(c, at);
    CAF_CHECK(at.log.ends_with("end "));
    c.session().reset(at, NGHTTP2_REFUSED_STREAM);
    wait_for_end();
    check_failed("connector_lost", "connector", 502);
    check_released(c, exchange_outcome::connector_lost);
    CAF_CHECK_EQUAL(subject.may_retry(), attempt < actors::most_attempts);
  }
}

CAF_TEST(a tunnel that ended while the exchange was on its way to it has got nothing) {
  auto& c = add_connector("c1");
  c.on->cut("over");
  CAF_REQUIRE(works_until([&] { return c.over(); }));
  script->says.emplace_back(c.dispatched);
  CAF_CHECK(start(post()).has_value());
  check_failed("connector_lost", "connector", 502);
  CAF_CHECK(subject.may_retry());
  check_released(c, exchange_outcome::connector_lost);
}

CAF_TEST(a tunnel of a connector that leaves takes nothing new) {
  auto& c = add_connector("c1");
  c.session().go_away();
  CAF_REQUIRE(works_until([&] { return c.on->session().going_away(); }));
  script->says.emplace_back(c.dispatched);
  CAF_CHECK(start(post()).has_value());
  check_failed("connector_lost", "connector", 502);
  CAF_CHECK(subject.may_retry());
  check_released(c, exchange_outcome::connector_lost);
}

CAF_TEST(nothing is sent again once the user has a head) {
  auto& c = add_connector("c1");
  respond(c, send(get(), c), {{":status", "200"}});
  lose(c);
  CAF_CHECK(!subject.may_retry());
  CAF_CHECK_EQUAL(user.log, "head 200  abort ");
}

CAF_TEST(an origin that failed is not asked again by another connector) {
  auto& c = add_connector("c1");
  auto& at = send(get(), c);
  c.session().reset(at, NGHTTP2_INTERNAL_ERROR);
  wait_for_end();
  CAF_CHECK(!subject.may_retry());
}

CAF_TEST(a user who left is not served by another connector) {
  auto& c = add_connector("c1");
  send(get(), c);
  subject.user_gone();
  c.on->cut("lost");
  CAF_REQUIRE(works_until([&] { return c.over(); }));
  check_failed("user_gone", "request", 400);
  CAF_CHECK(!subject.may_retry());
  check_released(c, exchange_outcome::user_gone);
}

CAF_TEST(the opening of a websocket goes to another connector) {
  auto &first = add_connector("c1"), &second = add_connector("c2");
  send(websocket(), first);
  lose(first);
  CAF_CHECK(subject.may_retry());
  respond(second, send(websocket(), second), {{":status", "200"}});
  CAF_CHECK_EQUAL(user.log, "upgrade  ");
}

CAF_TEST(the next request has its attempts again) {
  auto& c = add_connector("c1");
  auto& at = send(post(), c);
  open(c, at);
  c.session().reset(at, NGHTTP2_INTERNAL_ERROR);
  wait_for_end();
  check_released(c, exchange_outcome::origin_failed);
  subject.reset();
  send(get(), c);
  CAF_CHECK_EQUAL(script->asked.back().avoid, "");
  lose(c);
  CAF_CHECK(subject.may_retry());
}

CAF_TEST(of a connector that falls silent only what may move is taken away) {
  // One that never spoke: its windows are the protocol's, so that content may go at once.
  auto& c = add_connector("c1", false);
  edge::testing::noted_user other_user;
  exchange other{context, other_user};
  for (int i = 0; i < 2; ++i)
    script->says.emplace_back(c.dispatched);
  CAF_REQUIRE(start(put()).has_value());
  CAF_REQUIRE(works_until([&] { return subject.content_room() > 0; }));
  subject.content("x");
  const auto request = get();
  const auto started = answer_of([&] { return other.start(request); });
  CAF_REQUIRE(started.has_value());
  CAF_REQUIRE(works_until([&] { return other.ended(); }));
  CAF_CHECK_EQUAL(other.failure().cause, "connector_lost");
  CAF_CHECK(other.may_retry());
  check_released(c, exchange_outcome::connector_lost);
  CAF_CHECK(subject.current() == exchange::state::requested);
  lose(c);
  CAF_CHECK(!subject.may_retry());
}

CAF_TEST_FIXTURE_SCOPE_END()
