#define CAF_SUITE http2_response
// What a user of HTTP/2 gets: heads, content, trailers, WebSockets, and resets for what was cut
// short.
#include "edge/http2_request.hpp"
#include "edge/websocket_key.hpp"
#include "tests/unit/edge/http2_user.hpp"

using namespace postern;
using namespace postern::edge;
using edge::samples::contains;

namespace {

struct fixture : edge::testing::http2_fixture {
  test::noted_stream& open_websocket() {
    return send("CONNECT", "open.example", "/a", false,
                {{":protocol", "websocket"}, {"sec-websocket-key", "of the user"}});
  }
  /// The value of a field that has arrived at the connector.
  static std::string sent_to(const test::noted_stream& at, const std::string& name) {
    const auto begin = at.log.find(";" + name + "=");
    if (begin == at.log.npos) return {};
    const auto value = begin + name.size() + 2;
    return at.log.substr(value, at.log.find(';', value) - value);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http2_response_tests, fixture)

CAF_TEST(content goes as it comes and trailers behind it) {
  open();
  auto& asked = get();
  auto& at = arrival(1);
  respond(at, {{":status", "200"}, {"x-a", "b"}}, false);
  connector.session->write(at, "hel");
  CAF_REQUIRE(works_until([&] { return asked.content == "hel"; }));
  connector.session->write(at, "lo");
  connector.session->finish(at, {{"sum", "1"}, {"postern-error", "x"}});
  check_answered(asked, "200");
  CAF_CHECK_EQUAL(asked.log, "head :status=200;x-a=b; trailers sum=1; end ");
  CAF_CHECK_EQUAL(asked.content, "hello");
}

CAF_TEST(a response without content ends with its head) {
  open();
  for (const auto* status : {"200", "204", "304"}) {
    auto& asked = get();
    respond(arrival(requests.size()), {{":status", status}}, true);
    check_answered(asked, status);
    CAF_CHECK_EQUAL(asked.log, "head :status=" + std::string{status} + ";ended ");
  }
}

CAF_TEST(an answer to head says the length of what is not sent) {
  open();
  auto& asked = send("HEAD", "open.example", "/a", true);
  respond(arrival(1), {{":status", "200"}, {"content-length", "1000"}}, true);
  check_answered(asked, "200");
  CAF_CHECK_EQUAL(asked.log, "head :status=200;content-length=1000;ended ");
}

CAF_TEST(a refusal has its content and names in lower case but to head only its fields) {
  open();
  auto& asked = get();
  respond(arrival(1), {{":status", "502"}, {"postern-error", "origin_refused"}}, true);
  check_answered(asked, "502");
  const auto length = "content-length=" + std::to_string(asked.content.size()) + ";";
  CAF_CHECK(contains(asked.content, "origin_refused"));
  CAF_CHECK(contains(asked.log, length));
  CAF_CHECK(contains(asked.log, "content-type=application/problem+json;"));
  CAF_CHECK(!contains(asked.log, "connection="));

  auto& bare = send("HEAD", "open.example", "/a", true);
  respond(arrival(2), {{":status", "502"}, {"postern-error", "origin_refused"}}, true);
  check_answered(bare, "502");
  CAF_CHECK(contains(bare.log, length));
  CAF_CHECK(bare.log.ends_with("ended "));
  CAF_CHECK_EQUAL(bare.content, "");
}

CAF_TEST(interim responses go ahead of the head) {
  open();
  auto& asked = get();
  auto& at = arrival(1);
  connector.session->submit_interim(at, {{":status", "103"}, {"link", "</a.css>"}});
  respond(at, {{":status", "204"}}, true);
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "interim :status=103;link=</a.css>; head :status=204;ended ");
}

CAF_TEST(content that is cut short is reset behind what has come) {
  open();
  auto& asked = get();
  auto& at = arrival(1);
  respond(at, {{":status", "200"}}, false);
  connector.session->write(at, "hello");
  connector.session->abort(at, NGHTTP2_CANCEL);  // in the same write as what it follows
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_INTERNAL_ERROR});
  CAF_CHECK_EQUAL(asked.content, "hello");
  CAF_CHECK_EQUAL(asked.log, "head :status=200; ");
  auto& next = get();
  respond(arrival(2), {{":status", "204"}}, true);
  check_answered(next, "204");
}

CAF_TEST(what the user does not take stays with the connector) {
  user_options.initial_window = 0;
  open();
  auto& asked = get();
  auto& other = get("/b");
  auto& at = arrival(1);
  const std::string all(2 * 1024 * 1024, 'x');
  respond(at, {{":status", "200"}}, false);
  connector.session->write(at, all);
  connector.session->finish(at);
  settle();
  CAF_CHECK(connector.session->queued(at) > all.size() / 2);
  respond(arrival(2), {{":status", "204"}}, true);  // and holds nobody else up
  check_answered(other, "204");
  user.session->open_window(asked, static_cast<uint32_t>(all.size()));
  check_answered(asked, "200");
  CAF_CHECK(asked.content == all);
}

CAF_TEST(the key of a websocket is ours and its proof is checked) {
  open();
  auto& asked = open_websocket();
  auto& at = arrival(1);
  const auto key = sent_to(at, "sec-websocket-key");
  CAF_CHECK_EQUAL(key.size(), 24u);
  CAF_CHECK_EQUAL(sent_to(at, "postern-application"), "open");
  ask_for(at, 100);
  respond(at,
          {{":status", "200"},
           {"sec-websocket-accept", accept_of(key)},
           {"sec-websocket-protocol", "chat"}},
          false);
  CAF_REQUIRE(works_until([&] { return !asked.log.empty(); }));
  CAF_CHECK_EQUAL(asked.log, "head :status=200;sec-websocket-protocol=chat; ");
  user.session->write(asked, "to the origin");
  CAF_REQUIRE(works_until([&] { return at.content == "to the origin"; }));
  connector.session->write(at, "to the user");
  connector.session->finish(at);
  check_answered(asked, "200");
  CAF_CHECK_EQUAL(asked.content, "to the user");
}

CAF_TEST(an origin that proves nothing opens no websocket) {
  open();
  for (const auto& proof : {accept_of("of the user"), std::string{}}) {
    auto& asked = open_websocket();
    auto& at = arrival(requests.size());
    respond(at, {{":status", "200"}, {"sec-websocket-accept", proof}}, false);
    check_answered(asked, "502");
    CAF_CHECK(contains(asked.content, "origin_malformed"));
    CAF_REQUIRE(closes(at));
    CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_CANCEL});
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
