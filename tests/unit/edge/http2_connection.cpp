#define CAF_SUITE http2_connection
// One connection of a user that speaks HTTP/2: which hosts it is good for, many requests at once,
// and how it ends. Time-outs are shown end to end.
#include "edge/http2_connection.hpp"

#include "tests/unit/connector/raw_http2.hpp"
#include "tests/unit/edge/http2_user.hpp"

using namespace postern;
using namespace postern::edge;
using edge::samples::contains;

namespace {

struct fixture : edge::testing::http2_fixture {
  test::noted_stream& discover() {
    return send("GET", "connectors.example", "/.well-known/postern", true);
  }
  /// Checks that exchanges that run are told at once, and that the node lets go of the connection.
  void check_all_cut() {
    CAF_REQUIRE(works_until([&] { return over; }));
    for (const auto& at : connector.streams) {
      CAF_REQUIRE(closes(*at));
      CAF_CHECK_EQUAL(*at->closed, uint32_t{NGHTTP2_CANCEL});
    }
  }
  bool ends() {
    return works_until([&] { return user.ended && over; });
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http2_connection_tests, fixture)

CAF_TEST(a host that the certificate does not cover is sent elsewhere) {
  open();
  auto& asked = send("GET", "other.example", "/", true);
  check_answered(asked, "421");
  CAF_CHECK(contains(asked.content, "misdirected"));
  CAF_CHECK(connector.streams.empty());
  auto& good = get();
  respond(arrival(1), {{":status", "204"}}, true);
  check_answered(good, "204");
}

CAF_TEST(the name that asks for client certificates shares its connection with no other) {
  open();
  check_answered(discover(), "421");
  get();
  arrival(1);
}

CAF_TEST(an application is not served over the connection that asked for client certificates) {
  open("connectors.example");
  check_answered(get(), "421");
  check_answered(discover(), "200");
  CAF_CHECK(connector.streams.empty());
}

CAF_TEST(requests at once are answered in the order in which their answers come) {
  open();
  // More than the objects that are kept between requests, and twice, so that those are used again.
  for (int round = 0; round < 2; ++round) {
    const size_t first = requests.size(), n = 30;
    for (size_t i = 0; i < n; ++i)
      get("/" + std::to_string(first + i));
    for (size_t i = n; i-- > 0;) {
      auto& at = arrival(first + i + 1);
      const auto at_path = at.log.find(":path=/") + 7;
      const auto number = std::stoul(at.log.substr(at_path));
      respond(at, {{":status", "200"}}, false);
      connector.session->write(at, std::to_string(number));
      connector.session->finish(at);
      check_answered(*requests[number], "200");
      CAF_CHECK_EQUAL(requests[number]->content, std::to_string(number));
    }
  }
  CAF_CHECK_EQUAL(queue->released.size(), 60u);
}

CAF_TEST(users who leave requests in line cannot fill the node with them) {
  open();
  queue->holds = queue->forgetful = true;
  for (size_t i = 1; i <= 200; ++i) {
    auto& asked = get();
    CAF_REQUIRE(works_until([&] { return queue->waiting.size() == i; }));
    user.session->reset(asked, NGHTTP2_CANCEL);
  }
  CAF_REQUIRE(closes(get()));
  CAF_CHECK(*requests.back()->closed != uint32_t{NGHTTP2_NO_ERROR});
  CAF_CHECK_EQUAL(requests.back()->log, "");
  CAF_CHECK_EQUAL(queue->waiting.size(), 200u);
  queue->holds = false;
  while (!queue->waiting.empty())
    queue->give_up(queue->waiting.begin()->first);
  CAF_REQUIRE(works_until([&] { return context.load->exchanges == 0; }));
  auto& served_again = get();
  respond(arrival(1), {{":status", "204"}}, true);
  check_answered(served_again, "204");
}

CAF_TEST(a node that is about to leave still serves what crosses the announcement) {
  open();
  auto& running = get();
  arrival(1);
  served->drain();
  auto& crossing = get("/b");
  respond(arrival(2), {{":status", "204"}}, true);
  check_answered(crossing, "204");
  CAF_CHECK(user.session->going_away());
  respond(arrival(1), {{":status", "204"}}, true);
  check_answered(running, "204");
  CAF_CHECK(ends());
}

CAF_TEST(a node that leaves finishes what runs and looks at nothing more) {
  open();
  auto& running = get();
  arrival(1);
  served->leave();
  auto& late = get("/b");
  CAF_REQUIRE(closes(late));
  CAF_CHECK_EQUAL(*late.closed, uint32_t{NGHTTP2_REFUSED_STREAM});
  CAF_CHECK_EQUAL(connector.streams.size(), 1u);
  respond(arrival(1), {{":status", "200"}}, false);
  connector.session->write(arrival(1), "hello");
  connector.session->finish(arrival(1));
  check_answered(running, "200");
  CAF_CHECK_EQUAL(running.content, "hello");
  CAF_CHECK(ends());
}

CAF_TEST(a node that leaves ends what is idle) {
  open();
  settle();
  served->leave();
  CAF_CHECK(ends());
}

CAF_TEST(a node that waits no longer refuses what is in line) {
  open();
  queue->holds = true;
  get();
  get();
  CAF_REQUIRE(works_until([&] { return queue->waiting.size() == 2; }));
  served->stop_waiting();
  for (const auto& asked : requests) {
    check_answered(*asked, "504");
    CAF_CHECK(contains(asked->content, "no_connector"));
  }
}

CAF_TEST(a full node answers one request for its own names) {
  for (const bool own_name : {true, false}) {
    prepare(own_name ? "connectors.example" : "open.example");
    served->make_brief();
    start();
    auto& asked = own_name ? discover() : get();
    check_answered(asked, own_name ? "200" : "503");
    CAF_CHECK_EQUAL(contains(asked.content, "node_full"), !own_name);
    CAF_CHECK(ends());
  }
  CAF_CHECK(connector.streams.empty());
}

CAF_TEST(a connection that ends now cuts what runs) {
  open();
  get();
  get();
  arrival(2);
  served->end();
  check_all_cut();
  for (const auto& asked : requests) {
    CAF_REQUIRE(closes(*asked));
    CAF_CHECK_EQUAL(*asked->closed, runtime::connection_lost);
  }
}

CAF_TEST(a user who leaves takes all requests along) {
  open();
  get();
  get();
  arrival(2);
  user.session->close();
  check_all_cut();
}

CAF_TEST(a user who breaks the protocol is cut off from all requests) {
  open();
  get();
  get();
  arrival(2);
  const auto content_of_nothing = test::bytes_of({NGHTTP2_DATA, 0, 0, "x"});
  CAF_REQUIRE(user.session->connection().try_write(content_of_nothing).bytes > 0);
  check_all_cut();
  CAF_CHECK(works_until([&] { return user.ended; }));
}

CAF_TEST_FIXTURE_SCOPE_END()
