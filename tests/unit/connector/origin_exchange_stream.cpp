#define CAF_SUITE origin_exchange_stream
// What a node says to an exchange, and how an exchange ends before its origin has answered.

#include "tests/unit/connector/exchange_fixture.hpp"

using namespace postern::test;

CAF_TEST_FIXTURE_SCOPE(origin_exchange_stream_tests, exchange_fixture)

CAF_TEST(an application that is not served here is an error of the tunnel) {
  auto origin = idle();
  auto& asked = send("GET", true, {}, "mail");
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "head :status=503;postern-error=application_unknown;ended ");
  CAF_CHECK_EQUAL(context.connections.size(), 1u);
}

CAF_TEST(on a tunnel that the node has given up nothing is started) {
  auto origin = idle();
  tunnel.lease = false;
  auto& asked = send("GET", true);
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_REFUSED_STREAM});
  CAF_CHECK_EQUAL(asked.log, "");
  CAF_CHECK_EQUAL(context.connections.size(), 1u);
  origin.look();
  CAF_CHECK_EQUAL(origin.got, "");
  CAF_CHECK(!origin.ended);
}

CAF_TEST(a user who leaves ends the exchange at the origin and others go on) {
  auto origin = idle();
  auto& left = send("GET", true);
  CAF_REQUIRE(gets(origin, "\r\n\r\n"));
  node.session->reset(left, NGHTTP2_CANCEL);
  CAF_CHECK(loses(origin));
  CAF_CHECK_EQUAL(tunnel.closed, 1);
  CAF_CHECK_EQUAL(context.connections.size(), 0u);
  auto another = idle();
  auto& asked = send("GET", true);
  CAF_REQUIRE(gets(another, "\r\n\r\n"));
  another.say("HTTP/1.1 204 No Content\r\n\r\n");
  CAF_CHECK(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "head :status=204;via=1.1 postern;ended ");
}

CAF_TEST(a tunnel that is lost closes the connections of its exchanges) {
  auto origin = idle();
  auto& asked = send("GET", true);
  CAF_REQUIRE(gets(origin, "\r\n\r\n"));
  node.session->close();
  CAF_CHECK(loses(origin));
  CAF_CHECK_EQUAL(tunnel.closed, 1);
  CAF_CHECK_EQUAL(context.connections.size(), 0u);
  CAF_CHECK_EQUAL(asked.log, "");
}

CAF_TEST(a head that makes no request is refused) {
  auto origin = idle();
  auto& asked = send("CONNECT", true);
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_PROTOCOL_ERROR});
  CAF_CHECK_EQUAL(context.connections.size(), 1u);
}

CAF_TEST(a summons is a word to the connector and no exchange) {
  std::string summoned;
  context.on_summons = [&](std::string_view address) { summoned = address; };
  auto& asked = send("GET", true, {{"postern-node", "192.0.2.1:7443"}});
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "head :status=204;ended ");
  CAF_CHECK_EQUAL(summoned, "192.0.2.1:7443");
}

CAF_TEST_FIXTURE_SCOPE_END()
