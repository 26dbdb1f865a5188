#define CAF_SUITE http2_request
// What a user of HTTP/2 sends: content goes on only as it is asked for, the user's window opens
// only for what has gone on, and what the user resets never looks whole.
#include "edge/http2_request.hpp"

#include "tests/unit/edge/http2_user.hpp"

using namespace postern;
using namespace postern::edge;
using actors::exchange_outcome;
using edge::samples::contains;
using runtime::field_list;

namespace {

struct fixture : edge::testing::http2_fixture {
  /// A request to the service with content to come.
  test::noted_stream& tell_service(const field_list& more = {}) {
    return send("GET", "connectors.example", "/.well-known/postern", false, more);
  }
  void say(test::noted_stream& in, std::string_view text) { user.session->write(in, text); }
  void finish(test::noted_stream& of) { user.session->finish(of); }
  size_t unsent(const test::noted_stream& of) { return user.session->queued(of); }
  bool arrives_whole(const test::noted_stream& at) {
    return works_until([&] { return at.log.ends_with("end "); });
  }
  /// Checks that the connector was told that the content is not complete.
  void check_cancelled(const test::noted_stream& at) {
    CAF_REQUIRE(closes(at));
    CAF_CHECK_EQUAL(*at.closed, uint32_t{NGHTTP2_CANCEL});
    CAF_CHECK(!contains(at.log, "end "));
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http2_request_tests, fixture)

CAF_TEST(no more content is taken than a window until somebody asks) {
  open();
  const std::string all(1024 * 1024, 'x');
  auto& asked = post();
  say(asked, all);
  finish(asked);
  auto& at = arrival(1);
  settle();
  CAF_CHECK_EQUAL(at.content, "");
  CAF_CHECK_EQUAL(unsent(asked), all.size() - runtime::limits::user_stream_window);
  ask_for(at, 1'000);
  CAF_REQUIRE(works_until([&] { return at.content.size() == 1'000; }));
  settle();
  CAF_CHECK_EQUAL(at.content.size(), 1'000u);
  CAF_CHECK(unsent(asked) >= all.size() - runtime::limits::stream_window - 1'000);
  ask_for(at, static_cast<uint32_t>(all.size()));
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK(at.content == all);
}

CAF_TEST(a user who waits for it is told to go on once content is asked for) {
  open();
  auto& asked = post({{"expect", "100-continue"}});
  auto& at = arrival(1);
  settle();
  CAF_CHECK_EQUAL(asked.log, "");
  ask_for(at, 100);
  CAF_REQUIRE(works_until([&] { return !asked.log.empty(); }));
  say(asked, "hello");
  finish(asked);
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK_EQUAL(at.content, "hello");
  respond(at, {{":status", "204"}}, true);
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "interim :status=100; head :status=204;ended ");
}

CAF_TEST(an origin that tells the user to go on is not repeated) {
  open();
  auto& asked = post({{"expect", "100-continue"}});
  auto& at = arrival(1);
  connector.session->submit_interim(at, {{":status", "100"}});
  CAF_REQUIRE(works_until([&] { return !asked.log.empty(); }));
  ask_for(at, 100);
  finish(asked);
  CAF_REQUIRE(arrives_whole(at));
  respond(at, {{":status", "204"}}, true);
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "interim :status=100; head :status=204;ended ");
}

CAF_TEST(content that is empty ends once its end is asked for) {
  open();
  finish(post());
  auto& at = arrival(1);
  settle();
  CAF_CHECK(!contains(at.log, "end "));
  ask_for(at, 100);
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK_EQUAL(at.content, "");
}

CAF_TEST(trailers go on without what users may not say and belong to one request) {
  open();
  auto& asked = post();
  say(asked, "hello");
  user.session->finish(asked, {{"sum", "1"}, {"x-forwarded-for", "evil"}, {"postern-a", "evil"}});
  auto& at = arrival(1);
  ask_for(at, 100);
  CAF_REQUIRE(arrives_whole(at));
  CAF_CHECK(at.log.ends_with("; trailers sum=1; end "));
  respond(at, {{":status", "204"}}, true);
  check_answered(asked, "204");

  finish(post());
  auto& next = arrival(2);
  ask_for(next, 100);
  CAF_REQUIRE(arrives_whole(next));
  CAF_CHECK(!contains(next.log, "trailers"));
}

CAF_TEST(trailers that are too large cut the request) {
  open();
  auto& asked = post();
  auto& at = arrival(1);
  ask_for(at, 100);
  user.session->finish(asked, {{"sum", std::string(70'000, '1')}});
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_INTERNAL_ERROR});
  check_cancelled(at);
}

CAF_TEST(content that the user resets never looks whole) {
  open();
  auto& asked = post();
  auto& at = arrival(1);
  ask_for(at, 100);
  say(asked, "abc");
  CAF_REQUIRE(works_until([&] { return at.content == "abc"; }));
  user.session->reset(asked, NGHTTP2_CANCEL);
  check_cancelled(at);
  CAF_REQUIRE(works_until([&] { return !queue->released.empty(); }));
  CAF_CHECK(queue->released.back() == exchange_outcome::user_gone);
}

CAF_TEST(a user who resets while it waits takes the request along and no other) {
  open();
  auto& kept = get();
  auto& asked = get("/b");
  auto& at = arrival(2);
  user.session->reset(asked, NGHTTP2_CANCEL);
  check_cancelled(at);
  respond(arrival(1), {{":status", "204"}}, true);
  check_answered(kept, "204");
}

CAF_TEST(a user who resets in line is taken out of it) {
  open();
  queue->holds = true;
  auto& asked = get();
  CAF_REQUIRE(works_until([&] { return queue->waiting.size() == 1; }));
  const auto ticket = queue->waiting.begin()->first;
  user.session->reset(asked, NGHTTP2_CANCEL);
  CAF_REQUIRE(works_until([&] { return queue->waiting.empty(); }));
  CAF_CHECK(queue->cancelled == std::vector{ticket});
  CAF_CHECK(connector.streams.empty());
}

CAF_TEST(a response that comes early lets go of content that nobody asked for) {
  open();
  auto& asked = post();
  say(asked, std::string(200'000, 'x'));
  auto& at = arrival(1);
  respond(at, {{":status", "403"}}, false);
  connector.session->write(at, "no");
  connector.session->finish(at);
  check_answered(asked, "403");
  CAF_CHECK_EQUAL(asked.content, "no");
  CAF_REQUIRE(closes(at));
  CAF_CHECK(!contains(at.log, "end "));
  CAF_CHECK_EQUAL(at.content, "");
  CAF_CHECK(queue->released == std::vector{exchange_outcome::completed});
}

CAF_TEST(a head that is too large and asks for head gets no content) {
  open();
  auto& asked = send("HEAD", "open.example", "/a", true, {{"x", std::string(70'000, 'a')}});
  check_answered(asked, "431");
  CAF_CHECK_EQUAL(asked.content, "");
}

CAF_TEST(what is refused before anybody is asked is refused on its own) {
  open();
  auto& asked = send("TRACE", "open.example", "/a", false);
  check_answered(asked, "501");
  check_answered(send("GET", "open.example", "/a#b", true), "400");
  check_answered(send("GET", "open.example", "/a", true, {{"x", std::string(70'000, 'a')}}), "431");
  check_answered(send("GET", "open.example", "/a", true, field_list(200, {"x", "a"})), "431");
  CAF_CHECK(contains(requests.back()->content, "head_too_large"));
  CAF_CHECK(connector.streams.empty());
  auto& good = get();
  respond(arrival(1), {{":status", "204"}}, true);
  check_answered(good, "204");
}

CAF_TEST(the service reads its content whole and the window opens for it) {
  open("connectors.example");
  auto& asked = tell_service({{"expect", "100-continue"}});
  CAF_REQUIRE(works_until([&] { return !asked.log.empty(); }));
  CAF_CHECK_EQUAL(asked.log, "interim :status=100; ");
  say(asked, std::string(500'000, 'x'));
  CAF_REQUIRE(works_until([&] { return unsent(asked) == 0; }));
  settle();
  CAF_CHECK_EQUAL(asked.log, "interim :status=100; ");
  finish(asked);
  CAF_REQUIRE(closes(asked));
  CAF_CHECK(contains(asked.log, "; head :status=200;"));
}

CAF_TEST(content that the service does not take is refused before it has all come) {
  open("connectors.example");
  auto& asked = tell_service();
  say(asked, std::string(runtime::limits::service_content_bytes + 1, 'x'));
  check_answered(asked, "413");
  CAF_CHECK(contains(asked.content, "content_too_large"));
}

CAF_TEST(a user who leaves the service in the middle leaves nothing behind) {
  open("connectors.example");
  auto& asked = tell_service();
  say(asked, "abc");
  CAF_REQUIRE(works_until([&] { return context.load->exchanges == 1; }));
  user.session->reset(asked, NGHTTP2_CANCEL);
  CAF_REQUIRE(works_until([&] { return context.load->exchanges == 0; }));
  auto& next = tell_service();
  finish(next);
  check_answered(next, "200");
}

CAF_TEST(the service says to head the length that get would have had) {
  open("connectors.example");
  const auto length = [&](const char* method) {
    auto& one = send(method, "connectors.example", "/.well-known/postern", true);
    check_answered(one, "200");
    const auto at = one.log.find("content-length=");
    return one.log.substr(at, one.log.find(';', at) - at);
  };
  const auto of_head = length("HEAD");
  CAF_CHECK_EQUAL(requests.back()->content, "");
  CAF_CHECK_EQUAL(of_head, length("GET"));
}

CAF_TEST_FIXTURE_SCOPE_END()
