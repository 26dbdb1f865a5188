#define CAF_SUITE http2_session
#include "runtime/http2_session.hpp"

#include "tests/unit/runtime/http2_fixture.hpp"

#include <boost/asio/write.hpp>

using namespace postern::runtime;
using namespace postern::runtime::testing;

CAF_TEST_FIXTURE_SCOPE(http2_session_tests, http2_fixture)

CAF_TEST(a peer that takes frames of any size gets ones that fit our buffers) {
  http2_options generous;
  generous.max_frame = 16'777'215;
  generous.initial_window = 4 * 1'024 * 1'024;
  open({}, generous);
  auto& asked = make_request();
  request(asked, false);
  const std::string content(2 * shard::scratch_size, 'x');
  node.session->write(asked, content);
  node.session->finish(asked);
  CAF_CHECK(run_until(home, [&] { return served().content.size() == content.size(); }));
}

CAF_TEST(a request that nobody wants is reset) {
  open();
  connector.refuses = true;
  auto& asked = make_request();
  const field_list fields{
      {":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
  CAF_REQUIRE(node.session->submit_request(asked, fields, true).has_value());
  CAF_REQUIRE(run_until(home, [&] { return asked.closed.has_value(); }));
  CAF_CHECK(*asked.closed != 0);
  fence();  // the connection lives on
}

CAF_TEST(a head with too many fields is reset) {
  open();
  auto& asked = make_request();
  field_list fields{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
  fields.resize(limits::head_fields + limits::gateway_fields + 1, {"x", "y"});
  CAF_REQUIRE(node.session->submit_request(asked, fields, true).has_value());
  CAF_REQUIRE(run_until(home, [&] { return asked.closed.has_value(); }));
  CAF_CHECK(*asked.closed != 0);
  fence();
  CAF_CHECK_EQUAL(served().log, "");
}

CAF_TEST(a head that was full before gateways added to it arrives) {
  open();
  auto& asked = make_request();
  field_list fields{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
  fields.resize(limits::head_fields + 20, {"x", "y"});
  CAF_REQUIRE(node.session->submit_request(asked, fields, true).has_value());
  fence(node);
  CAF_REQUIRE(served().log.starts_with("head :method=GET;"));
  field_list answer{{":status", "200"}};
  answer.resize(limits::head_fields + 20, {"x", "y"});
  connector.session->submit_response(served(), answer, true);
  CAF_REQUIRE(run_until(home, [&] { return asked.closed.has_value(); }));
  CAF_CHECK(asked.log.starts_with("head :status=200;"));
}

CAF_TEST(users who leave cost no tunnel however many they are) {
  open();
  const field_list fields{
      {":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
  for (int i = 0; i < 100; ++i)
    make_request();
  for (int round = 0; round < 15; ++round) {
    for (auto& asked : requests)
      CAF_REQUIRE(node.session->submit_request(*asked, fields, true).has_value());
    fence(node);
    for (auto& asked : requests)
      node.session->reset(*asked, NGHTTP2_CANCEL);
    fence(node);
    CAF_REQUIRE_EQUAL(connector.session->open_streams(), 0u);
  }
  CAF_CHECK(!node.going_away);
  auto& asked = make_request();
  request(asked, true);
  connector.session->submit_response(served(), ok, true);
  CAF_CHECK(run_until(home, [&] { return asked.closed == std::optional<uint32_t>{0}; }));
}

CAF_TEST(a connection whose stream ids run out leaves before they are missing) {
  http2_options late;
  late.first_stream = 0x7fff'0000 - 3;
  open(late);
  auto &first = make_request(), &second = make_request(), &third = make_request();
  request(first, true);
  CAF_CHECK(!node.going_away);
  const field_list fields{
      {":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
  CAF_REQUIRE(node.session->submit_request(second, fields, true).has_value());
  CAF_CHECK(!node.going_away);  // not while the owner submits
  CAF_REQUIRE(node.session->submit_request(third, fields, true).has_value());
  CAF_REQUIRE(run_until(home, [&] { return node.going_away && connector.going_away; }));
  CAF_CHECK(node.session->going_away());
  auto& late_one = make_request();
  CAF_CHECK_EQUAL(node.session->submit_request(late_one, fields, true).error().cause, "no_stream");
  CAF_REQUIRE_EQUAL(connector.accepted.size(), 3u);
  for (auto& stream : connector.accepted)
    connector.session->submit_response(*stream, ok, true);
  CAF_CHECK(run_until(home, [&] { return first.closed && second.closed && third.closed; }));
  CAF_CHECK(first.closed == std::optional<uint32_t>{0});
  CAF_CHECK(third.closed == std::optional<uint32_t>{0});
}

CAF_TEST(a connection that is lost closes every stream) {
  open();
  auto &first = make_request(), &second = make_request();
  request(first, true);
  request(second, false);
  connector.session->close();
  CAF_REQUIRE(both_ended());
  for (const auto* stream :
       {&first, &second, connector.accepted[0].get(), connector.accepted[1].get()})
    CAF_CHECK(stream->closed == std::optional<uint32_t>{connection_lost});
  CAF_CHECK(node.ended->category == error_category::unavailable);
  CAF_CHECK_EQUAL(connector.ended->cause, "connection_closed");
  auto& late = make_request();
  CAF_CHECK_EQUAL(node.session->submit_request(late, ok, true).error().cause, "no_stream");
  CAF_CHECK(!late.closed);
}

CAF_TEST(a peer that goes away lets streams end and takes no new ones) {
  open();
  auto &asked = make_request(), &late = make_request();
  request(asked, true);
  connector.session->go_away();
  fence(connector);
  CAF_CHECK(node.going_away);
  CAF_CHECK(node.session->going_away());
  CAF_CHECK_EQUAL(node.session->submit_request(late, ok, true).error().cause, "no_stream");
  CAF_CHECK(!asked.closed);
  connector.session->submit_response(served(), ok, false);
  connector.session->write(served(), "complete");
  connector.session->finish(served());
  CAF_REQUIRE(run_until(home, [&] { return asked.closed.has_value(); }));
  CAF_CHECK_EQUAL(asked.content, "complete");
  CAF_CHECK_EQUAL(*asked.closed, 0u);
  CAF_CHECK(both_ended());  // nothing is left to do
}

CAF_TEST(whoever is heard answers pings) {
  open();
  const auto heard = node.heard;
  fence(node);
  CAF_CHECK(node.heard > heard);
}

CAF_TEST(extended connect is known from the settings of the peer) {
  open({}, {.extended_connect = true});
  CAF_CHECK(node.session->peer_allows_extended_connect());
  CAF_CHECK(!connector.session->peer_allows_extended_connect());
}

CAF_TEST(a peer that speaks something else is left) {
  connector.open(home, std::move(sockets->dialled), {.server = true});
  asio::write(sockets->accepted,
              asio::buffer(std::string_view{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}));
  CAF_REQUIRE(run_until(home, [&] { return connector.ended.has_value(); }));
  CAF_CHECK_EQUAL(connector.ended->cause, "http2_protocol");
}

CAF_TEST(a peer that breaks the protocol is left) {
  connector.open(home, std::move(sockets->dialled), {.server = true});
  std::string bytes{NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN};
  bytes += std::string{"\0\0\0\4\0\0\0\0\0", 9};    // SETTINGS
  bytes += std::string{"\0\0\1\0\0\0\0\0\1x", 10};  // DATA on a stream that was never opened
  asio::write(sockets->accepted, asio::buffer(bytes));
  CAF_REQUIRE(run_until(home, [&] { return connector.ended.has_value(); }));
  CAF_CHECK_EQUAL(connector.ended->cause, "http2_protocol");
}

CAF_TEST_FIXTURE_SCOPE_END()
