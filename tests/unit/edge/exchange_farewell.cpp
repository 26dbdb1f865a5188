#define CAF_SUITE exchange_farewell
// How streams that last end before their node or their connector goes. Where they may be cut is in
// stream_farewell.cpp.
#include "edge/exchange.hpp"
#include "tests/unit/edge/exchange_fixture.hpp"

using namespace postern;
using namespace postern::edge;
using actors::exchange_outcome;
using runtime::field_list;

namespace {

const field_list upgraded{{":status", "200"}};
const field_list events{{":status", "200"}, {"content-type", "text/event-stream"}};
const std::string_view events_log = "head 200 content-type=text/event-stream; ";
const std::string farewell{websocket_farewell};

struct fixture : edge::testing::exchange_fixture {
  /// Begins a stream with this head; `at` is its end at the connector.
  void begin(const exchange_request& request, const field_list& with) {
    c = &add_connector("c1");
    at = &send(request, *c);
    respond(*c, *at, with);
  }
  /// The origin says something; waits until the user has got that much of all.
  void say(std::string_view text, std::string_view user_has) {
    c->session().write(*at, text);
    CAF_REQUIRE(works_until([&] { return user.content.size() >= user_has.size(); }));
    CAF_CHECK_EQUAL(user.content, user_has);
  }
  /// The connector announces that it leaves.
  void leave() {
    c->session().go_away();
    CAF_REQUIRE(works_until([&] { return c->on->session().going_away(); }));
    test::run_ready(home);
  }

  edge::testing::played_connector* c = nullptr;
  test::noted_stream* at = nullptr;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(exchange_farewell_tests, fixture)

CAF_TEST(a websocket between two frames is closed at once) {
  begin(websocket(), upgraded);
  say("\x81\x01x", "\x81\x01x");
  subject.tell_to_move();
  subject.tell_to_move();
  CAF_CHECK_EQUAL(user.content, "\x81\x01x" + farewell);
  CAF_CHECK(!subject.ended());
}

CAF_TEST(a websocket within a frame is closed behind it) {
  begin(websocket(), upgraded);
  say("\x81\x03x", "\x81\x03x");
  subject.tell_to_move();
  CAF_CHECK_EQUAL(user.content, "\x81\x03x");
  say("yz\x81\x01w", "\x81\x03xyz" + farewell);
}

CAF_TEST(what an origin says behind the farewell is taken and dropped) {
  begin(websocket(), upgraded);
  subject.tell_to_move();
  const std::string more(2 * runtime::limits::stream_window, 'x');
  c->session().write(*at, more);
  CAF_REQUIRE(works_until([&] { return c->session().queued(*at) == 0; }));
  CAF_CHECK_EQUAL(user.content, farewell);
  CAF_CHECK(!at->closed);
}

CAF_TEST(the answer to a farewell goes on to the origin and ends the exchange) {
  begin(websocket(), upgraded);
  subject.tell_to_move();
  subject.on_sent(farewell.size());
  CAF_CHECK_EQUAL(subject.content_room(), 0u);
  c->session().open_window(*at, 100);
  CAF_REQUIRE(works_until([&] { return subject.content_room() > 0; }));
  subject.content("\x88\x80mask");
  CAF_REQUIRE(works_until([&] { return at->content == "\x88\x80mask"; }));
  c->session().finish(*at);
  wait_for_end();
  CAF_CHECK(subject.current() == exchange::state::completed);
  CAF_CHECK_EQUAL(user.log, "upgrade  end  ");
  check_released(*c, exchange_outcome::completed);
}

CAF_TEST(a websocket that its origin has closed is not closed again) {
  begin(websocket(), upgraded);
  const std::string_view close{"\x88\x00", 2};
  say(close, close);
  subject.tell_to_move();
  CAF_CHECK_EQUAL(user.content, close);
}

CAF_TEST(events end behind a whole one) {
  begin(get(), events);
  say("data: 1\n\nda", "data: 1\n\nda");
  subject.tell_to_move();
  CAF_CHECK(!subject.ended());
  c->session().write(*at, "ta: 2\n\ndata: 3\n\n");
  wait_for_end();
  CAF_CHECK(subject.current() == exchange::state::completed);
  CAF_CHECK_EQUAL(user.content, "data: 1\n\ndata: 2\n\n");
  CAF_CHECK_EQUAL(user.log, std::string{events_log} + "end  ");
  check_released(*c, exchange_outcome::completed);
  CAF_REQUIRE(works_until([&] { return at->closed.has_value(); }));
  CAF_CHECK_EQUAL(*at->closed, uint32_t{NGHTTP2_CANCEL});
}

CAF_TEST(a response that nobody could tell from the whole runs to its end) {
  begin(get(), {{":status", "200"}, {"content-type", "text/plain"}});
  subject.tell_to_move();
  say("a\n\nb", "a\n\nb");
  CAF_CHECK(!subject.ended());
  c->session().finish(*at);
  wait_for_end();
  CAF_CHECK_EQUAL(user.log, "head 200 content-type=text/plain; end  ");
}

CAF_TEST(a stream that begins after the word is ended as it begins) {
  c = &add_connector("c1");
  at = &send(get(), *c);
  subject.tell_to_move();
  CAF_CHECK_EQUAL(user.log, "");
  respond(*c, *at, events);
  CAF_CHECK(subject.current() == exchange::state::completed);
  CAF_CHECK_EQUAL(user.log, std::string{events_log} + "end  ");
}

CAF_TEST(a node that leaves ends the streams that begin meanwhile) {
  context.load->draining = true;
  begin(websocket(), upgraded);
  CAF_CHECK_EQUAL(user.content, farewell);
}

CAF_TEST(a connector that leaves ends its streams) {
  begin(websocket(), upgraded);
  leave();
  CAF_CHECK_EQUAL(user.content, farewell);
  CAF_CHECK(!subject.ended());
}

CAF_TEST(what a connector said that leaves does not count for the next one) {
  c = &add_connector("c1");
  send(get(), *c);
  leave();
  c->on->cut("lost");
  wait_for_end();
  CAF_REQUIRE(subject.may_retry());
  auto& next = add_connector("c2");
  respond(next, send(get(), next), events);
  CAF_CHECK(!subject.ended());
  CAF_CHECK_EQUAL(user.log, events_log);
}

CAF_TEST(the next request is not told to move) {
  begin(get(), events);
  subject.tell_to_move();
  CAF_REQUIRE(subject.ended());
  subject.reset();
  user.log.clear();
  respond(*c, send(get(), *c), events);
  CAF_CHECK(!subject.ended());
}

CAF_TEST_FIXTURE_SCOPE_END()
