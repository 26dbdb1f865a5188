#define CAF_SUITE exchange
// The way of one request and its response, and how it ends. What may be sent again is in
// exchange_failover.cpp.
#include "edge/exchange.hpp"

#include "actors/group_queue.hpp"
#include "actors/restart_patience.hpp"
#include "edge/session_cookie.hpp"
#include "tests/unit/edge/exchange_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using actors::exchange_outcome;
using runtime::error_category;
using namespace std::chrono_literals;

namespace {

struct fixture : edge::testing::exchange_fixture {
  /// A queue as it is, and a tunnel without a place on it if asked for.
  actors::group_queue_actor start_queue(bool busy) {
    auto queue = own(sys.spawn(actors::group_queue, std::string{"main"}));
    if (busy) tell(queue, actors::attach_atom_v, actors::testing::make_tunnel(9, 0));
    return application.queue = queue;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(exchange_tests, fixture)

CAF_TEST(a group without a connector is told apart from one whose connectors are busy) {
  settings->response_timeout = 0ms;
  start_queue(false);
  CAF_CHECK(!start(get()));
  check_failed("no_connector", "connector_group", 504);
  CAF_CHECK(!subject.may_retry());
  subject.reset();
  start_queue(true);
  CAF_CHECK(!start(get()));
  check_failed("queue_timeout", "connector_group", 503);
  CAF_CHECK(!subject.may_retry());
  CAF_CHECK_EQUAL(user.log, "");
}

CAF_TEST(an exchange does not join a line that is full) {
  const auto queue = start_queue(true);
  for (uint64_t i = 1; i <= actors::largest_line; ++i)
    ask<actors::dispatch>(queue, actors::submit_atom_v,
                          actors::exchange_ticket{1'000'000 + i, settings->name, 0, 85s});
  CAF_CHECK(!start(get()));
  check_failed("queue_full", "connector_group", 503);
}

CAF_TEST(a queue that has crashed is waited for and the wait costs patience) {
  script->says.emplace_back(
      runtime::error{error_category::unavailable, "queue_ended", "connector_group", {}});
  auto next = std::make_shared<edge::testing::scripted_queue>();
  next->says.emplace_back(
      runtime::error{error_category::overloaded, "queue_full", "connector_group", {}});
  auto routing = std::make_shared<actors::routing>();
  routing->queues["main"] = own(sys.spawn(edge::testing::play_queue, next));
  context.routing = routing;
  CAF_CHECK(!start(get()));
  check_failed("queue_full", "connector_group", 503);
  CAF_REQUIRE_EQUAL(script->asked.size(), 1u);
  CAF_REQUIRE_EQUAL(next->asked.size(), 1u);
  CAF_CHECK(next->asked[0].patience + actors::pause_between_attempts <= script->asked[0].patience);
  CAF_CHECK(next->asked[0].id != script->asked[0].id);
}

CAF_TEST(a node that stops waits for no queue) {
  context.load->draining = true;
  script->says.emplace_back(
      runtime::error{error_category::unavailable, "queue_ended", "connector_group", {}});
  CAF_CHECK(!start(get()));
  check_failed("queue_ended", "connector_group", 503);
}

CAF_TEST(a response goes to the user whole and the place is given back) {
  auto& c = add_connector("c1");
  auto& at = send(get(), c);
  CAF_CHECK(at.log.ends_with("ended "));  // nothing but the head
  c.session().submit_interim(at, {{":status", "103"}, {"link", "</a>"}, {"postern-x", "1"}});
  c.session().submit_response(at, {{":status", "200"}, {"via", "1.1 o"}, {"postern-x", "1"}},
                              false);
  c.session().write(at, "hello");
  c.session().finish(at, {{"sum", "1"}, {"postern-x", "1"}});
  wait_for_end();
  CAF_CHECK(subject.current() == exchange::state::completed);
  CAF_CHECK_EQUAL(user.log, "interim 103 link=</a>; head 200 via=1.1 o; end sum=1; ");
  CAF_CHECK_EQUAL(user.content, "hello");
  CAF_CHECK_EQUAL(subject.sent_bytes(), 5u);
  check_released(c, exchange_outcome::completed);
  CAF_REQUIRE(works_until([&] { return at.closed.has_value(); }));
  CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_NO_ERROR});
}

CAF_TEST(content is taken only as far as the connector has asked for it) {
  auto& c = add_connector("c1");
  auto& at = send(put(), c);
  CAF_CHECK(!at.log.ends_with("ended "));
  CAF_CHECK_EQUAL(subject.content_room(), 0u);
  CAF_CHECK(!subject.wants_content());
  const auto woken = user.woken;
  c.session().open_window(at, 5);
  CAF_REQUIRE(works_until([&] { return user.woken > woken; }));
  CAF_CHECK_EQUAL(subject.content_room(), 5u);
  CAF_CHECK(subject.wants_content());
  subject.content("hello");
  CAF_CHECK_EQUAL(subject.content_room(), 0u);
  subject.content_end({{"sum", "1"}});
  CAF_REQUIRE(works_until([&] { return at.log.ends_with("end "); }));
  CAF_CHECK_EQUAL(at.content, "hello");
  CAF_CHECK(edge::samples::contains(at.log, "trailers sum=1; "));
  CAF_CHECK(!subject.ended());
}

CAF_TEST(a user who reads slowly slows the connector) {
  auto& c = add_connector("c1");
  auto& at = send(get(), c);
  respond(c, at, {{":status", "200"}});
  const size_t window = runtime::limits::stream_window, rest = 100;
  c.session().write(at, std::string(window + rest, 'x'));
  c.session().finish(at);
  CAF_REQUIRE(works_until([&] { return user.content.size() >= window; }));
  CAF_CHECK_EQUAL(user.content.size(), window);
  CAF_CHECK_EQUAL(c.session().queued(at), rest);
  subject.on_sent(window);
  wait_for_end();
  CAF_CHECK_EQUAL(user.content.size(), window + rest);
}

CAF_TEST(a response that is complete early ends the request) {
  auto& c = add_connector("c1");
  auto& at = send(put(), c);
  respond(c, at, {{":status", "413"}}, true);
  CAF_CHECK(subject.current() == exchange::state::completed);
  CAF_CHECK_EQUAL(user.log, "head 413 ended ");
  CAF_CHECK_EQUAL(subject.content_room(), 0u);
  subject.content("late");
  check_released(c, exchange_outcome::completed);
  CAF_REQUIRE(works_until([&] { return at.closed.has_value(); }));
  CAF_CHECK_EQUAL(at.content, "");
}

CAF_TEST(what a connector says of its origin decides the refusal) {
  auto& c = add_connector("c1");
  struct {
    const char *says, *cause, *source;
    unsigned status;
  } const cases[] = {{"origin_refused", "origin_refused", "origin", 502},
                     {"origin_timeout", "origin_timeout", "origin", 504},
                     {"origin_certificate", "origin_certificate", "origin", 502},
                     {"application_unknown", "application_unknown", "connector", 503},
                     {"of a later version", "origin_malformed", "origin", 502}};
  for (const auto& each : cases) {
    auto& at = send(get(), c);
    c.session().submit_response(at, {{":status", "502"}, {"postern-error", each.says}}, true);
    wait_for_end();
    check_failed(each.cause, each.source, each.status);
    CAF_CHECK(!subject.may_retry());
    check_released(c, exchange_outcome::origin_failed);
    subject.reset();
  }
  CAF_CHECK_EQUAL(user.log, "");
}

CAF_TEST(a stream that is reset before the head is a refusal) {
  auto& c = add_connector("c1");
  auto& at = send(get(), c);
  c.session().reset(at, NGHTTP2_INTERNAL_ERROR);
  wait_for_end();
  check_failed("origin_closed", "origin", 502);
  CAF_CHECK(!subject.may_retry());
  CAF_CHECK_EQUAL(user.log, "");
  check_released(c, exchange_outcome::origin_failed);
}

CAF_TEST(a response that is cut short is not taken for whole) {
  auto& c = add_connector("c1");
  auto& at = send(get(), c);
  respond(c, at, {{":status", "200"}});
  c.session().write(at, "hel");
  CAF_REQUIRE(works_until([&] { return user.content == "hel"; }));
  c.session().reset(at, NGHTTP2_INTERNAL_ERROR);
  wait_for_end();
  CAF_CHECK_EQUAL(user.log, "head 200  abort ");
  CAF_CHECK(subject.head_sent());
  check_released(c, exchange_outcome::origin_failed);
}

CAF_TEST(a response that stands still for too long is cut) {
  settings->idle_timeout = 50ms;
  auto& c = add_connector("c1");
  respond(c, send(get(), c), {{":status", "200"}});
  wait_for_end();
  check_failed("idle_timeout", "origin", 504);
  CAF_CHECK(subject.watch_user());
  CAF_CHECK_EQUAL(user.log, "head 200  abort ");
  check_released(c, exchange_outcome::origin_failed);
}

CAF_TEST(a user who leaves ends the stream and gets nothing more) {
  auto& c = add_connector("c1");
  auto& at = send(get(), c);
  respond(c, at, {{":status", "200"}});
  c.session().write(at, "crosses");
  subject.user_gone();
  subject.user_gone();
  check_failed("user_gone", "request", 400);
  CAF_REQUIRE(works_until([&] { return at.closed.has_value(); }));
  CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_CANCEL});
  CAF_CHECK_EQUAL(user.content, "");
  CAF_CHECK_EQUAL(user.log, "head 200  ");
  check_released(c, exchange_outcome::user_gone);
}

CAF_TEST(a user who leaves the line gives back a place that crosses) {
  auto& c = add_connector("c1");
  bool returned = false;
  const auto request = get();
  test::start(home, [&]() -> runtime::awaitable<void> {
    const auto started = co_await subject.start(request);
    returned = !started;
  });
  CAF_REQUIRE(works_until([&] { return script->waiting.has_value(); }));
  subject.user_gone();
  script->waiting->deliver(c.dispatched);
  CAF_REQUIRE(works_until([&] { return returned; }));
  check_failed("user_gone", "request", 400);
  CAF_REQUIRE_EQUAL(script->cancelled.size(), 1u);
  CAF_CHECK_EQUAL(script->cancelled[0], script->asked[0].id);
  check_released(c, exchange_outcome::user_gone);
  CAF_CHECK_EQUAL(c.end.streams.size(), 1u);  // the hello
}

CAF_TEST(a node that leaves takes those who wait out of the line) {
  start_queue(true);
  const auto request = get();
  test::start(home, [&]() -> runtime::awaitable<void> { co_await subject.start(request); });
  test::run_ready(home);
  sched.run();
  CAF_REQUIRE(subject.current() == exchange::state::queued);
  subject.stop_waiting();
  wait_for_end();
  check_failed("exchange_cancelled", "connector_group", 503);
}

CAF_TEST(an exchange that is dropped takes its stream with it) {
  auto& c = add_connector("c1");
  script->says.emplace_back(c.dispatched);
  auto dropped = std::make_unique<exchange>(context, user);
  const auto request = get();
  const auto started = answer_of([&] { return dropped->start(request); });
  CAF_REQUIRE(started.has_value());
  CAF_REQUIRE(works_until([&] { return c.end.streams.size() == 2; }));
  dropped.reset();
  CAF_REQUIRE(works_until([&] { return c.last().closed.has_value(); }));
  CAF_CHECK_EQUAL(*c.last().closed, uint32_t{NGHTTP2_CANCEL});
  check_released(c, exchange_outcome::user_gone);
}

CAF_TEST(places and cookies of the origin are moved to the outside) {
  auto& c = add_connector("c1");
  const auto forged = session_cookie_name(*settings) + "=forged";
  const runtime::field_list says{{":status", "302"},
                                 {"location", "http://10.0.0.5/x"},
                                 {"set-cookie", "a=1; Domain=10.0.0.5"},
                                 {"set-cookie", forged}};
  respond(c, send(get(), c), says, true);
  CAF_CHECK(edge::samples::contains(user.log, "location=https://wiki.example:8443/x;"));
  CAF_CHECK(!edge::samples::contains(user.log, "forged"));
  subject.reset();
  user.log.clear();
  settings->translate_host_header = false;
  respond(c, send(get(), c), says, true);
  CAF_CHECK(edge::samples::contains(user.log, "location=http://10.0.0.5/x;"));
  CAF_CHECK(edge::samples::contains(user.log, "set-cookie=a=1; Domain=10.0.0.5;"));
  CAF_CHECK(!edge::samples::contains(user.log, "forged"));
}

CAF_TEST(only the answer that a websocket wants makes one) {
  auto& c = add_connector("c1");
  respond(c, send(websocket(), c), {{":status", "403"}}, true);
  CAF_CHECK_EQUAL(user.log, "head 403 ended ");
  subject.reset();
  user.log.clear();
  respond(c, send(websocket(), c), {{":status", "200"}, {"sec-websocket-accept", "k"}});
  CAF_CHECK_EQUAL(user.log, "upgrade sec-websocket-accept=k; ");
  CAF_CHECK_EQUAL(subject.status(), 101u);
}

CAF_TEST_FIXTURE_SCOPE_END()
