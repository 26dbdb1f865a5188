#define CAF_SUITE remote_exchange_stream
// A stream on a tunnel of another shard. Both shards run on the test's thread, each only when the
// test lets it, so that what is still on its way between them can be looked at.
#include "edge/exchange_stream.hpp"
#include "tests/unit/edge/exchange_fixture.hpp"

using namespace postern;
using namespace postern::edge;

namespace {

/// `context` is the user's shard, `there` the tunnel's.
struct fixture : edge::testing::exchange_fixture {
  fixture() {
    there.load = context.load;
    there.tunnels = &other_tunnels;
    there.port = std::make_unique<runtime::actor_port>(sys, other);
    context.shards = there.shards = {&context, &there};
    c = std::make_unique<edge::testing::played_connector>(there, "c1", true);
    CAF_REQUIRE(other_works_until([&] { return c->ready(); }));
  }
  ~fixture() override {
    if (stream != nullptr) stream->release();
    c->on->cut("over");
    CAF_CHECK(both_work_until([&] { return c->over(); }));
    run_both();
    c.reset();
    there.port.reset();
  }

  /// Runs the tunnel's shard only, or both. Every socket is on that one.
  template <class Condition>
  bool other_works_until(Condition done) {
    return test::run_until(other, [&] {
      sched.run();
      return done();
    });
  }
  template <class Condition>
  bool both_work_until(Condition done) {
    return other_works_until([&] {
      test::run_ready(home);
      return done();
    });
  }
  void run_both() {
    for (int i = 0; i < 3; ++i) {
      test::run_ready(home);
      test::run_ready(other);
    }
  }

  void open(uint64_t number) { stream = open_remote_stream(context, there, number, events); }
  /// Sends a request; returns what arrives at the connector.
  test::noted_stream& send(bool ended) {
    open(c->on->number());
    stream->submit(head, ended);
    const auto before = c->end.streams.size();
    CAF_REQUIRE(both_work_until([&] { return c->end.streams.size() > before; }));
    return c->last();
  }
  /// The connector asks for content.
  void ask_for(test::noted_stream& at, uint32_t size) {
    const auto before = events.rooms;
    c->session().open_window(at, size);
    CAF_REQUIRE(both_work_until([&] { return events.rooms > before; }));
  }
  void release() { std::exchange(stream, nullptr)->release(); }

  runtime::shard other{1};
  edge_context there{other, pool, options, urls, clock, random, nullptr, nullptr};
  tunnel_table other_tunnels;
  std::unique_ptr<edge::testing::played_connector> c;
  edge::testing::told_exchange events;
  exchange_stream* stream = nullptr;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(remote_exchange_stream_tests, fixture)

CAF_TEST(an exchange goes both ways to its end) {
  auto& at = send(false);
  ask_for(at, 100);
  stream->write("abc");
  stream->finish({{"sum", "1"}});
  CAF_REQUIRE(both_work_until([&] { return at.log.ends_with("end "); }));
  CAF_CHECK_EQUAL(at.content, "abc");
  CAF_CHECK(edge::samples::contains(at.log, "head :method=PUT;"));
  CAF_CHECK(edge::samples::contains(at.log, "trailers sum=1; "));
  c->session().submit_interim(at, {{":status", "103"}});
  c->session().submit_response(at, {{":status", "200"}}, false);
  c->session().write(at, "hi");
  c->session().finish(at, {{"late", "2"}});
  CAF_REQUIRE(both_work_until([&] { return events.closed.has_value(); }));
  CAF_CHECK_EQUAL(*events.closed, uint32_t{NGHTTP2_NO_ERROR});
  CAF_CHECK_EQUAL(events.content, "hi");
  CAF_CHECK_EQUAL(events.log,
                  "interim :status=103; head :status=200; trailers late=2; end closed ");
}

CAF_TEST(a request whose place is on another shard gets there and back) {
  script->says.emplace_back(c->dispatched);
  CAF_REQUIRE(start(get()).has_value());
  CAF_REQUIRE(both_work_until([&] { return c->end.streams.size() == 2; }));
  c->session().submit_response(c->last(), {{":status", "200"}}, false);
  c->session().write(c->last(), "hi");
  c->session().finish(c->last());
  CAF_REQUIRE(both_work_until([&] { return subject.ended(); }));
  CAF_CHECK_EQUAL(user.log, "head 200  end  ");
  CAF_CHECK_EQUAL(user.content, "hi");
  check_released(*c, actors::exchange_outcome::completed);
}

CAF_TEST(a request whose tunnel on another shard is gone may go elsewhere) {
  auto gone = c->dispatched;
  ++gone.tunnel.number;
  script->says.emplace_back(gone);
  CAF_REQUIRE(start(put()).has_value());
  CAF_CHECK(!subject.ended());
  CAF_REQUIRE(both_work_until([&] { return subject.ended(); }));
  check_failed("connector_lost", "connector", 502);
  CAF_CHECK(subject.may_retry());
}

CAF_TEST(nothing is told before the shard of the user runs) {
  auto& at = send(true);
  CAF_CHECK(at.log.ends_with("ended "));
  c->session().submit_response(at, {{":status", "204"}}, true);
  CAF_REQUIRE(other_works_until([&] { return c->on->session().open_streams() == 1; }));
  CAF_CHECK_EQUAL(events.log, "");
  test::run_ready(home);
  CAF_CHECK_EQUAL(events.log, "head :status=204;ended closed ");
}

CAF_TEST(a tunnel that is not there any more refuses the stream) {
  open(c->on->number() + 1);
  stream->submit(head, false);
  test::run_ready(home);
  CAF_CHECK(!events.closed);  // never within the call
  run_both();
  CAF_REQUIRE(events.closed.has_value());
  CAF_CHECK_EQUAL(*events.closed, uint32_t{NGHTTP2_REFUSED_STREAM});
  CAF_CHECK_EQUAL(stream->room(), 0u);
}

CAF_TEST(a connector that leaves refuses the stream) {
  c->session().go_away();
  CAF_REQUIRE(other_works_until([&] { return c->on->session().going_away(); }));
  open(c->on->number());
  stream->submit(head, false);
  run_both();
  CAF_REQUIRE(events.closed.has_value());
  CAF_CHECK_EQUAL(*events.closed, uint32_t{NGHTTP2_REFUSED_STREAM});
  CAF_CHECK_EQUAL(events.rooms, 0);
}

CAF_TEST(a connector that leaves is told to the exchange) {
  send(false);
  c->session().go_away();
  CAF_REQUIRE(both_work_until([&] { return !events.log.empty(); }));
  CAF_CHECK_EQUAL(events.log, "leaving ");
}

CAF_TEST(a tunnel that is cut is told as lost) {
  send(false);
  c->on->cut("revoked");
  CAF_REQUIRE(both_work_until([&] { return events.closed.has_value(); }));
  CAF_CHECK_EQUAL(*events.closed, runtime::connection_lost);
}

CAF_TEST(there is room for just what the connector has asked for) {
  auto& at = send(false);
  run_both();
  CAF_CHECK_EQUAL(stream->room(), 0u);
  CAF_CHECK_EQUAL(events.rooms, 0);
  ask_for(at, 10);
  CAF_CHECK_EQUAL(stream->room(), 10u);
  stream->write("abcd");
  CAF_CHECK_EQUAL(stream->room(), 6u);
  CAF_REQUIRE(both_work_until([&] { return at.content == "abcd"; }));
  run_both();
  CAF_CHECK_EQUAL(stream->room(), 6u);  // what was written is not granted once more
  stream->write("efghij");
  CAF_REQUIRE(both_work_until([&] { return at.content == "abcdefghij"; }));
  CAF_CHECK_EQUAL(stream->room(), 0u);
}

CAF_TEST(what the connector has taken makes room again) {
  auto& at = send(false);
  ask_for(at, 10);
  const auto rooms = events.rooms;
  stream->write("abcdefghij");
  CAF_REQUIRE(both_work_until([&] { return at.content.size() == 10; }));
  c->session().consumed(at, 10);
  CAF_REQUIRE(both_work_until([&] { return events.rooms > rooms; }));
  // As its reader keeps up, the window has doubled.
  CAF_REQUIRE(both_work_until([&] { return stream->room() >= 10; }));
  CAF_CHECK(stream->room() <= 20u);
}

CAF_TEST(what is granted is never more than waits at the high water) {
  auto& at = send(false);
  ask_for(at, runtime::limits::stream_window);
  const auto most = runtime::limits::write_high_water;
  CAF_CHECK_EQUAL(stream->room(), most);
  // Content that is on its way to the other shard counts.
  stream->write(std::string(most, 'x'));
  test::run_ready(home);
  CAF_CHECK_EQUAL(stream->room(), 0u);
  CAF_REQUIRE(both_work_until([&] { return at.content.size() == most; }));
  CAF_REQUIRE(both_work_until([&] { return stream->room() == most; }));
}

CAF_TEST(a user who reads slowly slows the connector) {
  auto& at = send(true);
  const size_t window = runtime::limits::stream_window, rest = 100;
  c->session().submit_response(at, {{":status", "200"}}, false);
  c->session().write(at, std::string(window + rest, 'x'));
  c->session().finish(at);
  CAF_REQUIRE(both_work_until([&] { return events.content.size() >= window; }));
  run_both();
  CAF_CHECK_EQUAL(events.content.size(), window);
  CAF_CHECK_EQUAL(c->session().queued(at), rest);
  stream->consumed(window);
  CAF_REQUIRE(both_work_until([&] { return events.closed.has_value(); }));
  CAF_CHECK_EQUAL(events.content.size(), window + rest);
}

CAF_TEST(an exchange that goes is told nothing of what was on its way) {
  auto& at = send(false);
  c->session().submit_response(at, {{":status", "200"}}, false);
  c->session().write(at, "hi");
  c->session().open_window(at, 100);
  c->session().abort(at, NGHTTP2_INTERNAL_ERROR);
  CAF_REQUIRE(other_works_until([&] { return c->on->session().open_streams() == 1; }));
  release();
  run_both();
  CAF_CHECK_EQUAL(events.log + events.content, "");
  CAF_CHECK_EQUAL(events.rooms, 0);
}

CAF_TEST(an exchange that goes early takes its stream with it) {
  auto& at = send(false);
  release();
  CAF_REQUIRE(both_work_until([&] { return at.closed.has_value(); }));
  CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_CANCEL});
  run_both();
  CAF_CHECK_EQUAL(events.log, "");
  CAF_CHECK_EQUAL(c->on->session().open_streams(), 1u);  // the hello
}

CAF_TEST(an exchange that goes at its end resets nothing) {
  auto& at = send(true);
  c->session().submit_response(at, {{":status", "204"}}, true);
  CAF_REQUIRE(both_work_until([&] { return !events.log.empty(); }));
  release();
  CAF_REQUIRE(both_work_until([&] { return at.closed.has_value(); }));
  CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_NO_ERROR});
}

CAF_TEST(an exchange that goes before its stream is open leaves none behind) {
  open(c->on->number());
  stream->submit(head, false);
  release();
  run_both();
  CAF_REQUIRE(both_work_until([&] { return c->on->session().open_streams() == 1; }));
  run_both();
  CAF_CHECK(!events.closed);
  for (size_t i = 1; i < c->end.streams.size(); ++i)
    CAF_CHECK(c->end.streams[i]->closed.has_value());
}

CAF_TEST(commands that cross the end of the stream do nothing) {
  auto& at = send(false);
  ask_for(at, 100);
  c->session().reset(at, NGHTTP2_INTERNAL_ERROR);
  CAF_REQUIRE(other_works_until([&] { return c->on->session().open_streams() == 1; }));
  stream->write("late");
  stream->consumed(1);
  stream->finish({});
  stream->reset(NGHTTP2_CANCEL);
  run_both();
  CAF_REQUIRE(events.closed.has_value());
  CAF_CHECK_EQUAL(*events.closed, uint32_t{NGHTTP2_INTERNAL_ERROR});
  CAF_CHECK_EQUAL(at.content, "");
  CAF_CHECK(c->running);
}

CAF_TEST(a stream that is reset is told its end) {
  auto& at = send(false);
  stream->reset(NGHTTP2_CANCEL);
  CAF_REQUIRE(both_work_until([&] { return at.closed && events.closed; }));
  CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_CANCEL});
  CAF_CHECK_EQUAL(*events.closed, uint32_t{NGHTTP2_CANCEL});
}

CAF_TEST_FIXTURE_SCOPE_END()
