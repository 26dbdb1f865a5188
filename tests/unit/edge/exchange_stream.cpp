#define CAF_SUITE exchange_stream
// A stream on a tunnel of the same shard. remote_exchange_stream.cpp shows those across shards.
#include "edge/exchange_stream.hpp"

#include "edge/tunnel.hpp"
#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/edge/node_fixture.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"

using namespace postern;
using namespace postern::edge;
using runtime::field_list;

namespace {

/// Writes down what the exchange would be told.
struct noted_events final : exchange_events {
  void on_response_head(const field_list& fields, bool ended) override {
    log += "head " + test::text_of(fields) + (ended ? "ended " : " ");
  }
  void on_response_interim(const field_list& fields) override {
    log += "interim " + test::text_of(fields) + " ";
  }
  void on_response_content(std::string_view piece) override {
    log.append("content ").append(piece).append(" ");
  }
  void on_response_trailers(const field_list& fields) override {
    log += "trailers " + test::text_of(fields) + " ";
  }
  void on_response_end() override { log += "end "; }
  void on_request_room() override {}
  void on_connector_silent() override { log += "silent "; }
  void on_connector_leaving() override { log += "leaving "; }
  void on_stream_closed(uint32_t code) override { closed = code; }

  std::string log;
  std::optional<uint32_t> closed;
};

/// A tunnel whose connector says no hello: streams do not depend on that.
struct fixture : edge::testing::node_fixture {
  fixture() {
    context.tunnels = &tunnels;
    on = std::make_shared<tunnel>(context, runtime::transport{std::move(ends.accepted), nullptr},
                                  tunnel_peer{"c1", "01", "192.0.2.1"});
  }
  ~fixture() override {
    if (running) {
      on->cut("over");
      CAF_CHECK(works_until([&] { return !running; }));
    }
    if (connector.session) CAF_CHECK(works_until([&] { return connector.ended; }));
    test::run_ready(home);
  }

  void run_tunnel() {
    running = true;
    test::start(home, [this]() -> runtime::awaitable<void> {
      co_await on->run();
      running = false;
    });
  }
  void open() {
    connector.open(home, std::move(ends.dialled), {.server = true});
    run_tunnel();
    CAF_REQUIRE(works_until([&] { return connector.streams.size() == 1; }));
  }

  exchange_stream* send(bool ended) {
    auto* stream = open_local_stream(on, events);
    const auto before = connector.streams.size();
    stream->submit(request, ended);
    CAF_REQUIRE(works_until([&] { return connector.streams.size() > before; }));
    return stream;
  }
  test::noted_stream& arrived() { return *connector.streams.back(); }

  const field_list request{
      {":method", "PUT"}, {":scheme", "https"}, {":authority", "wiki"}, {":path", "/"}};
  test::loopback_pair ends{home};
  tunnel_table tunnels;
  std::shared_ptr<tunnel> on;
  test::http2_end connector;
  noted_events events;
  bool running = false;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(exchange_stream_tests, fixture)

CAF_TEST(an exchange goes both ways to its end) {
  open();
  auto* stream = send(false);
  stream->write("abc");
  stream->finish({{"sum", "1"}});
  auto& at = arrived();
  CAF_REQUIRE(works_until([&] { return at.log.ends_with("end "); }));
  CAF_CHECK_EQUAL(at.content, "abc");
  CAF_CHECK(at.log.find("trailers sum=1; end ") != std::string::npos);
  connector.session->submit_interim(at, {{":status", "103"}});
  connector.session->submit_response(at, {{":status", "200"}}, false);
  connector.session->write(at, "hi");
  connector.session->finish(at, {{"late", "2"}});
  CAF_REQUIRE(works_until([&] { return events.closed.has_value(); }));
  CAF_CHECK_EQUAL(*events.closed, uint32_t{NGHTTP2_NO_ERROR});
  CAF_CHECK_EQUAL(events.log,
                  "interim :status=103; head :status=200; content hi trailers late=2; end ");
  stream->release();
}

CAF_TEST(an exchange that goes early takes its stream with it) {
  open();
  send(false)->release();
  auto& at = arrived();
  CAF_REQUIRE(works_until([&] { return at.closed.has_value(); }));
  CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_CANCEL});
  CAF_CHECK(!events.closed);
  CAF_CHECK_EQUAL(on->session().open_streams(), 1u);  // the hello
}

CAF_TEST(an exchange that goes at its end resets nothing) {
  open();
  auto* stream = send(true);
  auto& at = arrived();
  connector.session->submit_response(at, {{":status", "204"}}, true);
  CAF_REQUIRE(works_until([&] { return events.closed || events.log.ends_with("ended "); }));
  stream->release();
  CAF_REQUIRE(works_until([&] { return at.closed.has_value(); }));
  CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_NO_ERROR});
}

CAF_TEST(a connector that leaves is told to those that still run) {
  open();
  noted_events gone;
  auto* left = open_local_stream(on, gone);
  left->submit(request, false);
  auto* stream = send(false);
  left->release();
  connector.session->go_away();
  CAF_REQUIRE(works_until([&] { return !events.log.empty(); }));
  CAF_CHECK_EQUAL(events.log, "leaving ");
  CAF_CHECK_EQUAL(gone.log, "");
  CAF_CHECK(!events.closed);
  stream->release();
}

CAF_TEST(a connector that leaves gets nothing new) {
  open();
  connector.session->go_away();
  CAF_REQUIRE(works_until([&] { return on->session().going_away(); }));
  auto* stream = open_local_stream(on, events);
  stream->submit(request, true);
  CAF_REQUIRE(events.closed.has_value());
  CAF_CHECK_EQUAL(*events.closed, uint32_t{NGHTTP2_REFUSED_STREAM});
  stream->release();
}

CAF_TEST(a tunnel that is cut ends its exchanges as lost) {
  open();
  auto* stream = send(false);
  on->cut("revoked");
  CAF_REQUIRE(works_until([&] { return events.closed.has_value(); }));
  CAF_CHECK_EQUAL(*events.closed, runtime::connection_lost);
  stream->release();
}

CAF_TEST(a connector of which nothing is heard gets nothing new) {
  run_tunnel();  // nobody speaks at its other end
  auto* waiting = open_local_stream(on, events);
  waiting->submit(request, true);
  CAF_CHECK(!events.closed);
  CAF_REQUIRE(works_until([&] { return !events.log.empty(); }));
  CAF_CHECK_EQUAL(events.log, "silent ");
  noted_events late;
  auto* stream = open_local_stream(on, late);
  stream->submit(request, true);
  CAF_REQUIRE(late.closed.has_value());
  CAF_CHECK_EQUAL(*late.closed, uint32_t{NGHTTP2_REFUSED_STREAM});
  stream->release();
  waiting->release();
}

CAF_TEST_FIXTURE_SCOPE_END()
