#define CAF_SUITE http1_input
// What a user of HTTP/1.1 sends beside heads: content goes on only as it is asked for and never
// looks whole if it is not, and a user who leaves takes the exchange along.
#include "edge/http1_connection.hpp"
#include "tests/unit/edge/http1_user.hpp"

using namespace postern;
using namespace postern::edge;
using actors::exchange_outcome;

namespace {

struct fixture : edge::testing::http1_fixture {
  test::noted_stream& post(std::string_view fields) { return ask("POST /a HTTP/1.1", fields); }
  test::noted_stream& open_websocket() {
    auto& at = ask("GET /a HTTP/1.1",
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n");
    respond(at, {{":status", "200"}}, false);
    CAF_REQUIRE(gets("\r\n\r\n"));
    return at;
  }
  bool arrives_whole(const test::noted_stream& at) {
    return user_until([&] { return at.log.ends_with("end "); });
  }
  /// Checks that the connector is told at once, and never that the content is complete.
  void check_cancelled(const test::noted_stream& at) {
    CAF_REQUIRE(user_until([&] { return at.closed.has_value(); }));
    CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_CANCEL});
    CAF_CHECK(at.log.find("end ") == at.log.npos);
    CAF_REQUIRE(user_until([&] { return over && !queue->released.empty(); }));
    CAF_CHECK(queue->released.back() == exchange_outcome::user_gone);
  }
  size_t times(std::string_view part) const {
    size_t n = 0;
    for (auto at = got.find(part); at != got.npos; at = got.find(part, at + 1))
      ++n;
    return n;
  }
};

/// Text in which no two places look alike.
std::string numbers(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i)
    text += std::to_string(i) + ' ';
  text.resize(size);
  return text;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http1_input_tests, fixture)

CAF_TEST(a user who waits for it is told to go on once content is asked for) {
  open();
  auto& at = post("Content-Length: 5\r\nExpect: 100-continue\r\n");
  settle();
  CAF_CHECK_EQUAL(got, "");
  ask_for(at, 100);
  CAF_REQUIRE(gets("\r\n\r\n"));
  CAF_CHECK_EQUAL(got, "HTTP/1.1 100 Continue\r\n\r\n");
  say("hello");
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK_EQUAL(at.content, "hello");
  respond(at, {{":status", "204"}}, true);
  CAF_REQUIRE(gets("204 No Content\r\n\r\n"));
  CAF_CHECK_EQUAL(times("HTTP/1.1 "), 2u);
}

CAF_TEST(an origin that tells the user to go on is not repeated) {
  open();
  auto& at = post("Content-Length: 5\r\nExpect: 100-continue\r\n");
  connector.session->submit_interim(at, {{":status", "100"}});
  CAF_REQUIRE(gets("100 Continue\r\n\r\n"));
  ask_for(at, 100);
  say("hello");
  CAF_REQUIRE(arrives_whole(at));
  respond(at, {{":status", "204"}}, true);
  CAF_REQUIRE(gets("204 No Content\r\n\r\n"));
  CAF_CHECK_EQUAL(times("100 Continue"), 1u);
}

CAF_TEST(no more content goes on than was asked for and the rest stays with the user) {
  open();
  user->socket().set_option(boost::asio::socket_base::send_buffer_size{64 * 1024});
  const auto all = numbers(16 * 1024 * 1024);  // more than any socket holds
  auto& at = post("Content-Length: " + std::to_string(all.size()) + "\r\n");
  say(all);
  settle();
  CAF_CHECK_EQUAL(at.content, "");
  ask_for(at, 1'000);
  CAF_REQUIRE(user_until([&] { return at.content.size() == 1'000; }));
  settle();
  CAF_CHECK_EQUAL(at.content.size(), 1'000u);
  CAF_CHECK(unsent.size() > all.size() / 4);
  ask_for(at, static_cast<uint32_t>(all.size()));
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK(at.content == all);
  CAF_CHECK_EQUAL(got, "");
}

CAF_TEST(chunks arrive without their framing wherever they are cut) {
  open();
  auto& at = post("Transfer-Encoding: chunked\r\nTrailer: Sum\r\n");
  ask_for(at, 100);
  const std::string_view sent =
      "5;a=b\r\nhello\r\n006\r\n world\r\n0\r\nSum: 1\r\nX-Forwarded-For: evil\r\n"
      "Host: evil\r\nPostern-Error: evil\r\n\r\n";
  for (const char byte : sent) {
    say({&byte, 1});
    settle();
  }
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK_EQUAL(at.content, "hello world");
  CAF_CHECK(at.log.ends_with(" trailers sum=1; end "));
  respond(at, {{":status", "204"}}, true);
  respond(ask(), {{":status", "204"}}, true);
  CAF_CHECK(user_until([&] { return times("204 No Content") == 2; }));
}

CAF_TEST(content that is empty ends once its end is asked for) {
  open();
  auto& at = post("Transfer-Encoding: chunked\r\n");
  say("0\r\n\r\n");
  settle();
  CAF_CHECK(at.log.find("end ") == at.log.npos);
  ask_for(at, 100);
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK_EQUAL(at.content, "");
}

CAF_TEST(chunks that are malformed end the exchange and the connection) {
  for (const std::string& wrong :
       {std::string{"x\r\n"}, std::string{"5\nhello\r\n0\r\n\r\n"},
        std::string{"5\r\nhello+\r\n0\r\n\r\n"}, std::string{"11111111111111111\r\n"},
        "5;" + std::string(300, 'a') + "\r\nhello\r\n0\r\n\r\n"}) {
    open();
    auto& at = post("Transfer-Encoding: chunked\r\n");
    ask_for(at, 100);
    say(wrong);
    check_cancelled(at);
    CAF_CHECK(!ends_cleanly());
    CAF_CHECK_EQUAL(got, "");
  }
}

CAF_TEST(content whose user leaves never looks whole) {
  for (const auto* fields : {"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
    for (const bool says_so : {true, false}) {
      open();
      auto& at = post(fields);
      ask_for(at, 100);
      say(std::string_view{fields}.starts_with("C") ? "abc" : "3\r\nabc\r\n");
      CAF_REQUIRE(user_until([&] { return at.content == "abc"; }));
      if (says_so) user->shutdown();
      vanish();
      check_cancelled(at);
    }
  }
}

CAF_TEST(what follows content is the next request) {
  open();
  auto& at = post("Content-Length: 5\r\n");
  say("helloGET /b HTTP/1.1\r\nHost: open.example\r\n\r\n");
  ask_for(at, 100);
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK_EQUAL(at.content, "hello");
  CAF_CHECK_EQUAL(connector.streams.size(), 1u);
  respond(at, {{":status", "204"}}, true);
  auto& next = arrival(2);
  CAF_CHECK(next.log.find(":path=/b;") != next.log.npos);
  respond(next, {{":status", "200"}}, true);
  CAF_REQUIRE(gets("content-length: 0\r\n\r\n"));
  CAF_CHECK(statuses() == (std::vector<std::string>{"204", "200"}));
}

CAF_TEST(a head may need more than one buffer) {
  open();
  const std::string longer(40'000, 'a');
  const auto& at = ask("GET /a HTTP/1.1", "X-Long: " + longer + "\r\n");
  CAF_CHECK(at.log.find("x-long=" + longer + ";") != at.log.npos);
}

CAF_TEST(a user who leaves before the response takes the request along) {
  open();
  auto& at = ask("POST /a HTTP/1.1");
  vanish();
  check_cancelled(at);
}

CAF_TEST(a user is seen to leave behind what nobody reads yet) {
  open();
  auto& at = ask("POST /a HTTP/1.1");
  say("GET /b HTTP/1.1\r\nHost: open.example\r\n\r\n");
  vanish();
  check_cancelled(at);
  CAF_CHECK_EQUAL(connector.streams.size(), 1u);
}

CAF_TEST(a user is seen to leave with content that nobody asks for) {
  open();
  auto& at = post("Content-Length: 5\r\n");
  say("hello");
  vanish();
  check_cancelled(at);
  CAF_CHECK_EQUAL(at.content, "");
}

CAF_TEST(a user who leaves the line is taken out of it) {
  open();
  queue->holds = true;
  say("GET /a HTTP/1.1\r\nHost: open.example\r\n\r\n");
  CAF_REQUIRE(works_until([&] { return queue->waiting.size() == 1; }));
  const auto ticket = queue->waiting.begin()->first;
  vanish();
  CAF_REQUIRE(works_until([&] { return over; }));
  CAF_CHECK(queue->cancelled == std::vector{ticket});
  CAF_CHECK(connector.streams.empty());
  CAF_CHECK(queue->released.empty());
}

CAF_TEST(bytes of a websocket go on as they are asked for) {
  open();
  auto& at = open_websocket();
  const auto all = numbers(100'000);
  say(all);
  settle();
  CAF_CHECK_EQUAL(at.content, "");
  ask_for(at, 10);
  CAF_REQUIRE(user_until([&] { return at.content.size() == 10; }));
  settle();
  CAF_CHECK_EQUAL(at.content.size(), 10u);
  ask_for(at, 200'000);
  CAF_REQUIRE(user_until([&] { return at.content.size() == all.size(); }));
  CAF_CHECK(at.content == all);
}

CAF_TEST(a websocket whose user leaves is cut at the connector) {
  open();
  auto& at = open_websocket();
  ask_for(at, 100);
  vanish();
  check_cancelled(at);
}

CAF_TEST_FIXTURE_SCOPE_END()
