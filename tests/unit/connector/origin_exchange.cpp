#define CAF_SUITE origin_exchange
// What an origin says over HTTP/1.1 and what becomes of its connection.

#include "connector/origin_exchange.hpp"

#include "connector/limits.hpp"
#include "tests/unit/connector/exchange_fixture.hpp"

using namespace postern::test;

CAF_TEST_FIXTURE_SCOPE(origin_exchange_tests, exchange_fixture)

CAF_TEST(a request goes to its origin and the connection is kept for the next) {
  auto origin = idle();
  for (int i = 1; i <= 2; ++i) {
    origin.got.clear();
    auto& asked = send("GET", true, {{"postern-secret", "x"}, {"accept", "*/*"}});
    CAF_REQUIRE(gets(origin, "\r\n\r\n"));
    CAF_CHECK_EQUAL(origin.got, "GET /a?b HTTP/1.1\r\nhost: wiki.example\r\naccept: */*\r\n\r\n");
    CAF_CHECK_EQUAL(context.connections.size(), 0u);
    origin.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nPostern-Error: x\r\n\r\nhi");
    CAF_REQUIRE(closes(asked));
    CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_NO_ERROR});
    CAF_CHECK_EQUAL(asked.log, "head :status=200;content-length=2;via=1.1 postern; end ");
    CAF_CHECK_EQUAL(asked.content, "hi");
    CAF_CHECK(run_until(home, [&] { return tunnel.closed == i; }));
    CAF_CHECK_EQUAL(context.connections.size(), 1u);
  }
}

CAF_TEST(content goes to the origin in its framing) {
  auto origin = idle();
  auto& asked = send("PUT", false);
  node.session->write(asked, "abc");
  node.session->finish(asked);
  CAF_REQUIRE(gets(origin, "\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
  CAF_CHECK(origin.got.starts_with("PUT /a?b HTTP/1.1\r\n"));
  origin.say("HTTP/1.1 204 No Content\r\n\r\n");
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_NO_ERROR});
  CAF_CHECK_EQUAL(asked.log, "head :status=204;via=1.1 postern;ended ");
}

CAF_TEST(of the interim responses only those go on that are for users) {
  auto origin = idle();
  auto& asked = send("GET", true);
  CAF_REQUIRE(gets(origin, "\r\n\r\n"));
  origin.say(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
      "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "interim :status=103;link=a; head :status=204;via=1.1 postern;ended ");
}

CAF_TEST(a request without content that may have been acted on is not sent again) {
  for (const auto& framing : {postern::runtime::field_list{}, {{"content-length", "0"}}}) {
    auto origin = idle();
    auto& asked = send("POST", false, framing);
    if (framing.empty()) {
      node.session->finish(asked);
      CAF_REQUIRE(gets(origin, "\r\n\r\n0\r\n\r\n"));
    } else {
      CAF_REQUIRE(gets(origin, "content-length: 0\r\n\r\n"));
    }
    origin.socket.close();
    CAF_REQUIRE(closes(asked));
    CAF_CHECK_EQUAL(asked.log,
                    "interim :status=102;postern-origin=started; "
                    "head :status=502;postern-error=origin_closed;ended ");
  }
}

CAF_TEST(an origin that speaks nonsense is told apart and its connection is not used again) {
  auto origin = idle();
  auto& asked = send("GET", true);
  CAF_REQUIRE(gets(origin, "\r\n\r\n"));
  origin.say("NONSENSE\r\n\r\n");
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "head :status=502;postern-error=origin_malformed;ended ");
  CAF_CHECK(loses(origin));
  CAF_CHECK_EQUAL(context.connections.size(), 0u);
}

CAF_TEST(an origin that only says that it is at work is told apart) {
  auto origin = idle();
  auto& asked = send("GET", true);
  CAF_REQUIRE(gets(origin, "\r\n\r\n"));
  for (unsigned i = 0; i <= postern::connector::limits::interim_responses; ++i)
    origin.say("HTTP/1.1 102 Processing\r\n\r\n");
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "head :status=502;postern-error=origin_malformed;ended ");
  CAF_CHECK(loses(origin));
}

CAF_TEST(a response that breaks off is not passed off as whole) {
  auto origin = idle();
  auto& asked = send("GET", true);
  CAF_REQUIRE(gets(origin, "\r\n\r\n"));
  origin.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  origin.socket.close();
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_INTERNAL_ERROR});
  CAF_CHECK_EQUAL(asked.log, "head :status=200;content-length=10;via=1.1 postern; ");
  CAF_CHECK_EQUAL(asked.content, "abc");
}

CAF_TEST_FIXTURE_SCOPE_END()
