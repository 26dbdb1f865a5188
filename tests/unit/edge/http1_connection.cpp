#define CAF_SUITE http1_connection
// One connection of a user that speaks HTTP/1.1: its requests one after the other, what is refused,
// and how it ends. Time-outs are shown end to end.
#include "edge/http1_connection.hpp"

#include "tests/unit/edge/http1_user.hpp"

using namespace postern;
using namespace postern::edge;
using edge::samples::contains;

namespace {

using all_of = std::vector<std::string>;

const std::string second = "GET /b HTTP/1.1\r\nHost: open.example\r\n\r\n";
const std::string discovery = "GET /.well-known/postern HTTP/1.1\r\nHost: connectors.example\r\n";

struct fixture : edge::testing::http1_fixture {
  /// Sends what must be refused, and a good request behind it; checks that this is all that comes.
  void check_refused(const std::string& sent, const char* status, const char* cause) {
    open();
    say(sent + second);
    CAF_CHECK(ends_cleanly());
    CAF_CHECK_EQUAL(got.substr(0, 13), "HTTP/1.1 " + std::string{status} + " ");
    CAF_CHECK_EQUAL(statuses().size(), 1u);
    CAF_CHECK(contains(got, cause));
    CAF_CHECK(contains(got, "connection: close\r\n"));
    finish();
  }
  void finish() {
    vanish();
    CAF_CHECK(works_until([&] { return over; }));
    CAF_CHECK_EQUAL(connector.streams.size(), asked);
  }
  bool has_answers(size_t n) {
    return user_until([&] { return statuses().size() == n && !got.ends_with("\r\n\r\n"); });
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http1_connection_tests, fixture)

CAF_TEST(requests that come together are answered one after the other) {
  open();
  say(second);
  say("GET /c HTTP/1.1\r\nHost: open.example\r\n\r\n");
  auto& first = arrival(1);
  settle();
  CAF_CHECK_EQUAL(connector.streams.size(), 1u);
  respond(first, {{":status", "200"}, {"content-length", "3"}}, false);
  connector.session->write(first, "abc");
  settle();
  CAF_CHECK_EQUAL(connector.streams.size(), 1u);
  connector.session->finish(first);
  auto& last = arrival(2);
  CAF_CHECK(contains(last.log, ":path=/c;"));
  respond(last, {{":status", "204"}}, true);
  CAF_REQUIRE(gets("204 No Content\r\n\r\n"));
  CAF_CHECK(contains(got, "\r\n\r\nabcHTTP/1.1 204 "));
}

CAF_TEST(a user who asks for one response gets no second) {
  open();
  auto& at = ask("GET /a HTTP/1.1", "Connection: close\r\n");
  say(second);
  respond(at, {{":status", "200"}}, true);
  CAF_CHECK(ends_cleanly());
  CAF_CHECK_EQUAL(got, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  finish();
}

CAF_TEST(empty lines ahead of a request are passed over) {
  open();
  auto& at = ask("\r\n\r\nGET /a HTTP/1.1");
  CAF_CHECK(contains(at.log, ":path=/a;"));
  respond(at, {{":status", "204"}}, true);
  CAF_CHECK(gets("204 No Content\r\n\r\n"));
}

CAF_TEST(heads that are malformed are refused and nothing behind them is read) {
  const std::string host = "Host: open.example\r\n";
  const auto twice = host + host;
  for (const auto& head :
       all_of{"GET /a HTTP/1.1\n" + host, "GET a HTTP/1.1\r\n" + host,
              "GET /a HTTP/1.1\r\n" + twice, "GET /a HTTP/1.1\r\n", "GET /a HTTP/1.1\r\n " + host,
              "GET /a HTTP/1.1\r\nHost : open.example\r\n",
              "POST /a HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
              "POST /a HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n",
              "POST /a HTTP/1.1\r\n" + host + "Content-Length: +5\r\n",
              "POST /a HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n"})
    check_refused(head + "\r\n", "400", "malformed_head");
}

CAF_TEST(heads that are too large are refused as that) {
  const std::string begin = "GET /a HTTP/1.1\r\nHost: open.example\r\n";
  check_refused(begin + "X: " + std::string(70'000, 'a') + "\r\n\r\n", "431", "head_too_large");
  std::string many = begin;
  for (int i = 0; i < 200; ++i)
    many += "X: a\r\n";
  check_refused(many + "\r\n", "431", "head_too_large");
}

CAF_TEST(what follows a refused head is not taken for a request) {
  check_refused("TRACE /a HTTP/1.1\r\nHost: open.example\r\n\r\n", "501", "method_refused");
  check_refused("POST /a HTTP/1.1\r\nHost: unknown.example\r\nContent-Length: 5\r\n\r\nhello",
                "404", "application_unknown");
}

CAF_TEST(a refusal of what had no content leaves the connection) {
  open();
  say("GET /a HTTP/1.1\r\nHost: unknown.example\r\n\r\n");
  CAF_REQUIRE(has_answers(1));
  respond(ask(), {{":status", "204"}}, true);
  CAF_REQUIRE(gets("204 No Content\r\n\r\n"));
  CAF_CHECK(statuses() == (all_of{"404", "204"}));
}

CAF_TEST(an answer reaches a user who is still sending) {
  open();
  const size_t all = 3 * 1024 * 1024;
  say("POST /a HTTP/1.1\r\nHost: unknown.example\r\nContent-Length: " + std::to_string(all) +
      "\r\n\r\n" + std::string(all, 'x'));
  CAF_CHECK(ends_cleanly());
  CAF_CHECK(got.starts_with("HTTP/1.1 404 "));
  CAF_CHECK(got.ends_with("}") || got.ends_with("}\n"));
  finish();
}

CAF_TEST(content that nobody wanted is not taken for a request) {
  open();
  auto& at = ask("POST /a HTTP/1.1", "Content-Length: " + std::to_string(second.size()) + "\r\n");
  say(second);
  respond(at, {{":status", "403"}}, true);
  CAF_CHECK(ends_cleanly());
  CAF_CHECK_EQUAL(got, "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  CAF_CHECK(at.log.find("end ") == at.log.npos);
  finish();
}

CAF_TEST(the service reads its own content and goes on) {
  open("connectors.example");
  say(discovery + "Content-Length: 5\r\n\r\n");
  settle();
  CAF_CHECK_EQUAL(got, "");
  say("hello");
  CAF_REQUIRE(has_answers(1));
  say(discovery + "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  CAF_REQUIRE(gets("HTTP/1.1 100 Continue\r\n\r\n"));
  say("5\r\nhello\r\n0\r\n\r\n");
  CAF_REQUIRE(has_answers(3));
  CAF_CHECK(statuses() == (all_of{"200", "100", "200"}));
}

CAF_TEST(answers to head have no content that could be taken for the next response) {
  open("connectors.example");
  auto head = discovery;
  say(head.replace(0, 3, "HEAD") + "\r\n");
  CAF_REQUIRE(gets("\r\n\r\n"));
  say("HEAD /a HTTP/1.1\r\nHost: unknown.example\r\n\r\n");
  CAF_REQUIRE(user_until([&] { return statuses().size() == 2 && got.ends_with("\r\n\r\n"); }));
  // A refusal says the length that it would have had.
  CAF_CHECK(!contains(got.substr(got.rfind("content-length: ")), "content-length: 0\r\n"));
  say(discovery + "\r\n");
  CAF_REQUIRE(has_answers(3));
  CAF_CHECK(statuses() == (all_of{"200", "404", "200"}));
}

CAF_TEST(content that the service does not take ends the connection) {
  const std::string chunked = discovery + "Transfer-Encoding: chunked\r\n\r\n";
  check_refused(chunked + "5\nhello\r\n", "400", "malformed_content");
  const auto size = runtime::limits::service_content_bytes + 1;
  check_refused(
      discovery + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'),
      "413", "content_too_large");
}

CAF_TEST(a node that leaves ends what is idle) {
  open();
  respond(ask(), {{":status", "204"}}, true);
  CAF_REQUIRE(gets("204 No Content\r\n\r\n"));
  served->leave();
  CAF_CHECK(ends_cleanly());
  CAF_CHECK(works_until([&] { return over; }));
}

CAF_TEST(a node that leaves finishes what runs) {
  open();
  auto& at = ask();
  served->leave();
  settle();
  CAF_CHECK(!over);
  respond(at, {{":status", "200"}, {"content-length", "5"}}, false);
  connector.session->write(at, "hello");
  connector.session->finish(at);
  CAF_CHECK(ends_cleanly());
  CAF_CHECK(got.ends_with("\r\n\r\nhello"));
}

CAF_TEST(a node that waits no longer refuses what is in line) {
  open();
  queue->holds = true;
  say(second);
  CAF_REQUIRE(works_until([&] { return queue->waiting.size() == 1; }));
  served->stop_waiting();
  CAF_REQUIRE(has_answers(1));
  CAF_CHECK(statuses() == all_of{"504"});
  CAF_CHECK(contains(got, "no_connector"));
  queue->holds = false;
  respond(ask(), {{":status", "204"}}, true);
  CAF_CHECK(gets("204 No Content\r\n\r\n"));
}

CAF_TEST(a connection that ends now cuts what runs) {
  open();
  auto& at = ask();
  respond(at, {{":status", "200"}}, false);
  CAF_REQUIRE(gets("\r\n\r\n"));
  served->end();
  CAF_CHECK(!ends_cleanly());
  CAF_REQUIRE(works_until([&] { return over && at.closed; }));
  CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_CANCEL});
}

CAF_TEST(a full node answers one request for its own names) {
  for (const bool own_name : {true, false}) {
    prepare("connectors.example");
    served->make_brief();
    start();
    say(own_name ? discovery + "\r\n" : second);
    say(discovery + "\r\n");
    CAF_CHECK(ends_cleanly());
    CAF_CHECK(statuses() == all_of{own_name ? "200" : "503"});
    CAF_CHECK_EQUAL(contains(got, "node_full"), !own_name);
    finish();
  }
}

CAF_TEST(a user who leaves between or within heads leaves nothing behind) {
  for (const auto* part : {"", "GET /a HT"}) {
    open();
    say(part);
    settle();
    finish();
    CAF_CHECK_EQUAL(got, "");
  }
}

CAF_TEST(the service says to head the length that get would have had) {
  open("connectors.example");
  const std::string rest = " /.well-known/postern HTTP/1.1\r\nHost: connectors.example\r\n\r\n";
  const auto length = [&](const std::string& method) {
    got.clear();
    say(method + rest);
    CAF_REQUIRE(user_until([&] { return contains(got, "\r\n\r\n"); }));
    const auto at = got.find("content-length: ");
    return got.substr(at, got.find("\r\n", at) - at);
  };
  const auto of_head = length("HEAD");
  settle();
  CAF_CHECK(got.ends_with("\r\n\r\n"));
  CAF_CHECK_EQUAL(of_head, length("GET"));
}

CAF_TEST(a head request that cannot be read is refused without content) {
  for (const auto& fields : {std::string{"A : b\r\n"}, "A: " + std::string(70'000, 'a')}) {
    open();
    say("HEAD /a HTTP/1.1\r\nHost: open.example\r\n" + fields + "\r\n");
    CAF_CHECK(ends_cleanly());
    CAF_CHECK(got.ends_with("\r\n\r\n"));
    CAF_CHECK(!contains(got, "content-length: 0"));
    finish();
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
