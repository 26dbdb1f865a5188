#define CAF_SUITE http1_output
// How responses of an application are framed for a user of HTTP/1.1, and that none that was cut
// short looks whole.
#include "edge/http1_connection.hpp"
#include "edge/websocket_key.hpp"
#include "tests/unit/edge/http1_user.hpp"

using namespace postern;
using namespace postern::edge;
using actors::exchange_outcome;

namespace {

struct fixture : edge::testing::http1_fixture {
  void write(test::noted_stream& to, std::string_view text) { connector.session->write(to, text); }
  void finish(test::noted_stream& to) { connector.session->finish(to); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http1_output_tests, fixture)

CAF_TEST(content of known length goes as it is and the connection stays) {
  open();
  for (int i = 0; i < 2; ++i) {
    auto& at = ask();
    respond(at, {{":status", "200"}, {"content-length", "5"}, {"x-a", "b"}}, false);
    write(at, "hello");
    finish(at);
    CAF_REQUIRE(gets("hello"));
    CAF_CHECK_EQUAL(got, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\nhello");
    got.clear();
  }
}

CAF_TEST(content of unknown length goes in chunks with its trailers) {
  open();
  auto& at = ask();
  respond(at, {{":status", "200"}}, false);
  write(at, "seventeen letters");
  CAF_REQUIRE(gets("letters\r\n"));
  connector.session->finish(at, {{"sum", "1"}, {"postern-error", "x"}});
  CAF_REQUIRE(gets("\r\n\r\n"));
  CAF_CHECK_EQUAL(got,
                  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                  "11\r\nseventeen letters\r\n0\r\nsum: 1\r\n\r\n");
}

CAF_TEST(a response without content says so) {
  open();
  respond(ask(), {{":status", "200"}}, true);
  CAF_REQUIRE(gets("\r\n\r\n"));
  CAF_CHECK_EQUAL(got, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

CAF_TEST(statuses that never have content get no framing) {
  open();
  for (const auto* status : {"204", "304"}) {
    respond(ask(), {{":status", status}}, true);
    CAF_REQUIRE(gets("\r\n\r\n"));
    CAF_CHECK(got.find("content-length") == got.npos);
    CAF_CHECK(got.find("transfer-encoding") == got.npos);
    got.clear();
  }
}

CAF_TEST(an answer to head says the length of what is not sent) {
  open();
  respond(ask("HEAD /a HTTP/1.1"), {{":status", "200"}, {"content-length", "1000000"}}, true);
  respond(ask(), {{":status", "204"}}, true);
  CAF_REQUIRE(gets("204 No Content\r\n\r\n"));
  CAF_CHECK_EQUAL(got,
                  "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"
                  "HTTP/1.1 204 No Content\r\n\r\n");
}

CAF_TEST(an answer to head of unknown length is not said to be chunked) {
  open();
  respond(ask("HEAD /a HTTP/1.1"), {{":status", "200"}}, true);
  CAF_REQUIRE(gets("\r\n\r\n"));
  CAF_CHECK_EQUAL(got, "HTTP/1.1 200 OK\r\n\r\n");
}

CAF_TEST(to a user of 1.0 content of unknown length ends with the connection) {
  open();
  auto& at = ask("GET /a HTTP/1.0", "Connection: keep-alive\r\n");
  connector.session->submit_interim(at, {{":status", "103"}});  // 1.0 knows none
  respond(at, {{":status", "200"}}, false);
  write(at, "hello");
  connector.session->finish(at, {{"sum", "1"}});
  CAF_CHECK(ends_cleanly());
  CAF_CHECK_EQUAL(got, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
}

CAF_TEST(a user of 1.0 who asks for it keeps the connection) {
  open();
  auto& at = ask("GET /a HTTP/1.0", "Connection: keep-alive\r\n");
  respond(at, {{":status", "200"}, {"content-length", "0"}}, true);
  CAF_REQUIRE(gets("\r\n\r\n"));
  CAF_CHECK_EQUAL(got, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
  respond(ask("GET /b HTTP/1.0"), {{":status", "204"}}, true);
  CAF_CHECK(ends_cleanly());
}

CAF_TEST(interim responses go ahead of the head) {
  open();
  auto& at = ask();
  connector.session->submit_interim(at, {{":status", "103"}, {"link", "</a.css>"}});
  respond(at, {{":status", "204"}}, true);
  CAF_REQUIRE(gets("204 No Content\r\n\r\n"));
  CAF_CHECK_EQUAL(got,
                  "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
                  "HTTP/1.1 204 No Content\r\n\r\n");
}

CAF_TEST(a status that nobody has named has no reason) {
  open();
  respond(ask(), {{":status", "299"}, {"content-length", "0"}}, true);
  CAF_REQUIRE(gets("\r\n\r\n"));
  CAF_CHECK(got.starts_with("HTTP/1.1 299 \r\n"));
}

CAF_TEST(content that is cut short never looks whole) {
  for (const bool chunked : {true, false}) {
    open();
    auto& at = ask(chunked ? "GET /a HTTP/1.1" : "GET /a HTTP/1.0");
    respond(at, {{":status", "200"}}, false);
    write(at, "hello");
    CAF_REQUIRE(gets(chunked ? "hello\r\n" : "hello"));
    connector.session->reset(at, NGHTTP2_INTERNAL_ERROR);
    CAF_CHECK(!ends_cleanly());
    CAF_CHECK(got.ends_with(chunked ? "5\r\nhello\r\n" : "\r\n\r\nhello"));
    CAF_REQUIRE(works_until([&] { return over; }));
  }
  CAF_REQUIRE_EQUAL(queue->released.size(), 2u);
  CAF_CHECK(queue->released[0] == exchange_outcome::origin_failed);
}

CAF_TEST(what came before the cut goes out first) {
  open();
  auto& at = ask();
  respond(at, {{":status", "200"}, {"content-length", "10"}}, false);
  write(at, "hello");
  connector.session->abort(at, NGHTTP2_INTERNAL_ERROR);  // in the same write as what it follows
  CAF_CHECK(!ends_cleanly());
  CAF_CHECK_EQUAL(got, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
}

CAF_TEST(an exchange that fails before its head is refused and the connection stays) {
  open();
  respond(ask(), {{":status", "502"}, {"postern-error", "origin_refused"}}, true);
  CAF_REQUIRE(user_until([&] { return got.find("origin_refused") != got.npos; }));
  CAF_CHECK(got.starts_with("HTTP/1.1 502 "));
  CAF_CHECK(got.find("connection: close") == got.npos);
  respond(ask(), {{":status", "204"}}, true);
  CAF_CHECK(gets("204 No Content\r\n\r\n"));
}

CAF_TEST(what the user does not take stays with the connector) {
  open();
  user->socket().set_option(boost::asio::socket_base::receive_buffer_size{16 * 1024});
  auto& at = ask();
  const size_t all = 16 * 1024 * 1024;  // more than any socket holds
  respond(at, {{":status", "200"}, {"content-length", std::to_string(all)}}, false);
  reads = false;
  write(at, std::string(all, 'x'));
  finish(at);
  settle();
  CAF_CHECK(connector.session->queued(at) > all / 4);
  reads = true;
  const auto come = [&] { return got.size() - (got.find("\r\n\r\n") + 4); };
  CAF_REQUIRE(user_until([&] { return !queue->released.empty() && got.size() > all; }));
  CAF_REQUIRE(user_until([&] { return come() >= all; }));
  CAF_CHECK_EQUAL(come(), all);
  CAF_CHECK(queue->released[0] == exchange_outcome::completed);
}

CAF_TEST(a node that leaves says so with the response that it still gives) {
  open();
  auto& at = ask();
  context.load->draining = true;
  respond(at, {{":status", "200"}, {"content-length", "0"}}, true);
  CAF_CHECK(ends_cleanly());
  CAF_CHECK_EQUAL(got, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

CAF_TEST(a websocket is bytes both ways once it is open) {
  open();
  auto& at = ask("GET /a HTTP/1.1",
                 "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n");
  CAF_CHECK(at.log.find(":protocol=websocket;") != at.log.npos);
  ask_for(at, 100);
  respond(at,
          {{":status", "200"}, {"content-length", "0"}, {"sec-websocket-accept", accept_of("abc")}},
          false);
  CAF_REQUIRE(gets("\r\n\r\n"));
  CAF_CHECK_EQUAL(got,
                  "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: " + accept_of("abc") +
                      "\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
  got.clear();
  const std::string_view text{"\x81\x02hi", 4};
  say(text);
  CAF_REQUIRE(user_until([&] { return at.content == text; }));
  write(at, text);
  CAF_REQUIRE(gets(text));
  CAF_CHECK_EQUAL(got, text);
  finish(at);
  CAF_CHECK(ends_cleanly());
}

CAF_TEST_FIXTURE_SCOPE_END()
