#define CAF_SUITE http2_session_streams
// What a session does for one of its streams.
#include "runtime/http2_session.hpp"
#include "tests/unit/runtime/http2_fixture.hpp"

using namespace postern::runtime;
using namespace postern::runtime::testing;

CAF_TEST_FIXTURE_SCOPE(http2_session_streams_tests, http2_fixture)

CAF_TEST(a request goes over and its response comes back) {
  open();
  auto& asked = make_request();
  request(asked, true);
  CAF_CHECK_EQUAL(served().log, "head :method=POST;:scheme=http;:authority=a;:path=/;end ");
  connector.session->submit_response(served(), {{":status", "200"}, {"X-Mixed", "Case"}}, false);
  connector.session->write(served(), "hello ");
  connector.session->write(served(), "world");
  connector.session->finish(served());
  CAF_REQUIRE(run_until(home, [&] { return asked.closed.has_value(); }));
  CAF_CHECK_EQUAL(asked.log, "head :status=200;x-mixed=Case; end ");
  CAF_CHECK_EQUAL(asked.content, "hello world");
  CAF_CHECK_EQUAL(*asked.closed, 0u);
  fence();
  CAF_CHECK(served().closed == std::optional<uint32_t>{0});
  CAF_CHECK_EQUAL(node.session->open_streams(), 0u);
  CAF_CHECK_EQUAL(connector.session->open_streams(), 0u);
}

CAF_TEST(content and trailers go both ways) {
  open();
  auto& asked = make_request();
  request(asked, false);
  node.session->write(asked, "abc");
  node.session->finish(asked, {{"x-sum", "1"}});
  fence(node);
  connector.session->submit_response(served(), ok, false);
  connector.session->write(served(), "def");
  connector.session->finish(served(), {{"x-other", "2"}});
  CAF_REQUIRE(run_until(home, [&] { return asked.closed.has_value(); }));
  CAF_CHECK_EQUAL(served().content, "abc");
  CAF_CHECK(served().log.ends_with("trailers x-sum=1; end "));
  CAF_CHECK_EQUAL(asked.content, "def");
  CAF_CHECK_EQUAL(asked.log, "head :status=200; trailers x-other=2; end ");
}

CAF_TEST(interim responses come before the final one) {
  open();
  auto& asked = make_request();
  request(asked, true);
  connector.session->submit_interim(served(), {{":status", "103"}, {"link", "</a>"}});
  connector.session->submit_response(served(), ok, true);
  CAF_REQUIRE(run_until(home, [&] { return asked.closed.has_value(); }));
  CAF_CHECK_EQUAL(asked.log, "interim :status=103;link=</a>; head :status=200;end ");
}

CAF_TEST(a shut window holds content until it is opened) {
  open({}, {.initial_window = 0});
  auto& asked = make_request();
  request(asked, false);
  CAF_CHECK_EQUAL(node.session->room(asked), 0u);
  node.session->write(asked, "patience");
  node.session->finish(asked);
  fence();
  CAF_CHECK_EQUAL(served().content, "");
  CAF_CHECK_EQUAL(node.session->queued(asked), 8u);
  connector.session->open_window(served(), 3);
  fence();
  CAF_CHECK_EQUAL(served().content, "pat");
  connector.session->open_window(served(), 1'000);
  fence();
  CAF_CHECK_EQUAL(served().content, "patience");
  CAF_CHECK(served().log.ends_with("end "));
  node.session->reset(asked, 8);
}

CAF_TEST(who waits for a shut window is told when it opens) {
  open({}, {.initial_window = 0});
  auto& asked = make_request();
  request(asked, false);
  CAF_CHECK_EQUAL(node.session->room(asked), 0u);
  fence();
  CAF_CHECK_EQUAL(asked.writable, 0);
  connector.session->open_window(served(), 1'000);
  CAF_REQUIRE(run_until(home, [&] { return asked.writable == 1; }));
  CAF_CHECK_EQUAL(node.session->room(asked), 1'000u);
}

CAF_TEST(what is not consumed bounds what is sent) {
  constexpr uint32_t window = 256 * 1024;
  open({}, {.initial_window = window});
  auto& asked = make_request();
  request(asked, false);
  size_t written = 0;
  for (int i = 0; i < 20; ++i) {
    written += fill(*node.session, asked);
    CAF_CHECK(node.session->queued(asked) <= limits::write_high_water);
    fence();
  }
  CAF_CHECK_EQUAL(written, window);
  CAF_CHECK_EQUAL(served().content.size(), window);
  asked.writable = 0;
  connector.session->consumed(served(), window);
  CAF_REQUIRE(run_until(home, [&] { return asked.writable > 0; }));
  CAF_CHECK(node.session->room(asked) > 0);
}

CAF_TEST(one slow stream does not hold up another) {
  open({}, {.initial_window = 64 * 1024});
  auto &slow = make_request(), &quick = make_request();
  request(slow, false);
  fill(*node.session, slow);
  fence();
  CAF_CHECK_EQUAL(node.session->room(slow), 0u);
  request(quick, false);
  node.session->write(quick, "still");
  node.session->finish(quick);
  fence();
  CAF_CHECK_EQUAL(served().content, "still");
}

CAF_TEST(much content arrives complete and in order) {
  open({}, {});
  auto& asked = make_request();
  request(asked, false);
  std::string sent;
  size_t consumed = 0;
  while (sent.size() < 3'000'000) {
    for (auto room = node.session->room(asked); room > 0; room = node.session->room(asked)) {
      std::string piece(std::min<size_t>(room, 9'973), static_cast<char>('a' + sent.size() % 26));
      char* to = node.session->prepare(
          asked, piece.size() + 100);  // as a reader that fills less than it asked for
      std::copy(piece.begin(), piece.end(), to);
      node.session->commit(asked, piece.size());
      sent += piece;
    }
    CAF_REQUIRE(run_until(home, [&] { return served().content.size() > consumed; }));
    connector.session->consumed(served(), served().content.size() - consumed);
    consumed = served().content.size();
    fence();
  }
  node.session->finish(asked);
  CAF_REQUIRE(run_until(home, [&] { return served().log.ends_with("end "); }));
  CAF_CHECK(served().content == sent);
}

CAF_TEST(the window of a reader that keeps up grows to the largest) {
  http2_options small;
  small.initial_window = 64 * 1024;
  open({}, small);
  auto& asked = make_request();
  request(asked, false);
  pass(asked, 4 * limits::largest_stream_window, 0);
  const auto window = window_of(asked);
  CAF_CHECK(window > limits::largest_stream_window / 2);
  CAF_CHECK(window <= limits::largest_stream_window);
}

CAF_TEST(the window of a reader that falls behind stays as it is) {
  http2_options small;
  small.initial_window = 64 * 1024;
  open({}, small);
  auto& asked = make_request();
  request(asked, false);
  pass(asked, 1'000'000, 32 * 1024);
  CAF_CHECK(window_of(asked) <= small.initial_window);
}

CAF_TEST(windows of one connection grow together by no more than they may) {
  http2_options small;
  small.initial_window = 64 * 1024;
  small.window_growth = 64 * 1024 + 1;
  open({}, small);
  auto& first = make_request();
  request(first, false);
  pass(first, 1'000'000, 0);
  auto& second = make_request();
  request(second, false);
  pass(second, 1'000'000, 0);
  CAF_CHECK(window_of(second) <= 64 * 1024u);
  // What a stream had grown by is free again once it has ended.
  node.session->reset(first, NGHTTP2_CANCEL);
  node.session->reset(second, NGHTTP2_CANCEL);
  fence();
  auto& third = make_request();
  request(third, false);
  pass(third, 1'000'000, 0);
  CAF_CHECK(window_of(third) > 64 * 1024u);
}

CAF_TEST(a reset ends the stream on both sides with its code) {
  open();
  auto& asked = make_request();
  request(asked, false);
  node.session->reset(asked, NGHTTP2_CANCEL);
  fence();
  CAF_CHECK(asked.closed == std::optional<uint32_t>{NGHTTP2_CANCEL});
  CAF_CHECK(served().closed == std::optional<uint32_t>{NGHTTP2_CANCEL});
  // What comes too late is harmless.
  connector.session->submit_response(served(), ok, false);
  connector.session->write(served(), "late");
  connector.session->finish(served());
  CAF_CHECK_EQUAL(connector.session->room(served()), 0u);
  fence();
  CAF_CHECK_EQUAL(asked.log, "");
}

CAF_TEST(a response that is complete lets go of the rest of the request) {
  open({}, {.initial_window = 0});
  auto& asked = make_request();
  request(asked, false);
  node.session->write(asked, "never wanted");
  connector.session->submit_response(served(), {{":status", "403"}}, true);
  CAF_REQUIRE(run_until(home, [&] { return asked.closed.has_value(); }));
  CAF_CHECK_EQUAL(asked.log, "head :status=403;end ");
  CAF_CHECK_EQUAL(*asked.closed, 0u);
  CAF_CHECK(served().closed.has_value());
}

CAF_TEST(a stream object serves again and brings nothing along) {
  open({}, {.initial_window = 0});
  auto& asked = make_request();
  request(asked, false);
  node.session->write(asked, "left over");
  node.session->reset(asked, NGHTTP2_CANCEL);
  fence();
  // A reader that finds its stream gone between the two calls.
  char* late = node.session->prepare(asked, 4);
  std::copy_n("late", 4, late);
  node.session->commit(asked, 4);
  asked.log.clear();
  request(asked, false);
  connector.session->open_window(served(), 1'000);
  node.session->write(asked, "fresh");
  node.session->finish(asked);
  fence();
  CAF_CHECK_EQUAL(served().content, "fresh");
}

CAF_TEST_FIXTURE_SCOPE_END()
