#define CAF_SUITE origin_stream

#include "connector/origin_stream.hpp"

#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/connector/loopback.hpp"
#include "tests/unit/connector/raw_http2.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::connector;
using namespace postern::runtime;
using namespace postern::test;

namespace {

/// The exchange: writes down what it is told, and lets go at the end.
struct listener final : origin_stream_events {
  void on_origin_interim(const field_list& fields) override {
    log += "interim " + text_of(fields) + " ";
  }
  void on_origin_head(const field_list& fields, bool ended) override {
    log += "head " + text_of(fields) + (ended ? "ended " : " ");
  }
  void on_origin_content(std::string_view piece) override { content += piece; }
  void on_origin_trailers(const field_list& fields) override {
    log += "trailers " + text_of(fields) + " ";
  }
  void on_origin_end() override {
    log += "end ";
    let_go();
  }
  void on_origin_took(size_t bytes) override { took += bytes; }
  void on_origin_closed(uint32_t code) override {
    stream = nullptr;
    closed = code;
  }
  void let_go(bool retire = false) { std::exchange(stream, nullptr)->release(retire); }

  origin_stream* stream = nullptr;
  std::string log, content;
  size_t took = 0;
  std::optional<uint32_t> closed;
};

struct fixture {
  shard home{0};
  loopback network{home};
  http2_end far;
  std::shared_ptr<http2_origin> near;
  bool near_ended = false;
  listener heard;

  fixture() {
    auto ends = network.connect();
    near = std::make_shared<http2_origin>(home, std::move(ends.first));
    start(home, [this]() -> awaitable<void> {
      co_await near->run();
      near_ended = true;
    });
    far.open(home, std::move(ends.second), {.server = true});
    fence();
  }
  ~fixture() {
    near->session().close();
    far.session->close();
    CAF_CHECK(run_until(home, [this] { return near_ended && far.ended; }));
  }

  /// What either side has sent before has arrived and been handled when this returns.
  void fence() {
    for (int i = 0; i < 2; ++i) {
      const auto before = far.answers;
      far.session->ping();
      CAF_REQUIRE(run_until(home, [&] { return far.answers > before; }));
    }
  }

  bool open(listener& by, bool ended) {
    by.stream = origin_stream::open(
        near, by, {{":method", "PUT"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
        ended);
    return by.stream != nullptr;
  }
  void begin(bool ended) {
    CAF_REQUIRE(open(heard, ended));
    fence();
    CAF_REQUIRE(!far.streams.empty());
  }
  noted_stream& served() { return *far.streams.back(); }
};

/// An origin that may answer early and leave the request as it is; our own sessions reset it then.
struct raw_fixture {
  shard home{0};
  loopback network{home};
  std::pair<transport, tcp_socket> ends = network.connect();
  std::shared_ptr<http2_origin> near = std::make_shared<http2_origin>(home, std::move(ends.first));
  origin_end far{std::move(ends.second), {}};
  bool near_ended = false;
  listener heard;

  raw_fixture() {
    start(home, [this]() -> awaitable<void> {
      co_await near->run();
      near_ended = true;
    });
    far.say(settings_frame());
    heard.stream = origin_stream::open(
        near, heard, {{":method", "PUT"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}},
        false);
    CAF_REQUIRE(heard.stream);
  }
  ~raw_fixture() {
    near->session().close();
    CAF_CHECK(run_until(home, [this] { return near_ended; }));
  }

  /// The response begins and ends.
  void answer() {
    CAF_REQUIRE(run_until(home, [this] {
      far.look();
      return has_head(far.got, 1);
    }));
    far.say(status_frame(1, "200", true));
    CAF_REQUIRE(run_until(home, [this] { return !heard.log.empty(); }));
    CAF_CHECK_EQUAL(heard.log, "head :status=200;ended ");
  }
  /// Whether nothing is left of the stream on our side.
  bool closes() {
    return run_until(home, [this] {
      far.look();
      return near->session().open_streams() == 0;
    });
  }
};

const field_list ok{{":status", "200"}};
constexpr size_t more_than_fits = 300 * 1'024;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(origin_stream_tests, fixture)

CAF_TEST(a request and its response pass and nothing follows the end) {
  begin(false);
  CAF_CHECK(!heard.stream->has_sent_content());
  heard.stream->send_content("abc");
  CAF_CHECK(heard.stream->has_sent_content());
  CAF_CHECK_EQUAL(heard.took, 3u);
  heard.stream->send_end({{"x-sum", "1"}});
  fence();
  CAF_CHECK_EQUAL(served().content, "abc");
  CAF_CHECK(served().log.ends_with("trailers x-sum=1; end "));
  far.session->submit_interim(served(), {{":status", "103"}, {"link", "a"}});
  far.session->submit_response(served(), ok, false);
  far.session->write(served(), "def");
  far.session->finish(served(), {{"x-other", "2"}});
  fence();
  CAF_CHECK_EQUAL(heard.log,
                  "interim :status=103;link=a; head :status=200; trailers x-other=2; end ");
  CAF_CHECK_EQUAL(heard.content, "def");
  CAF_CHECK(!heard.closed);
  CAF_CHECK(served().closed == std::optional<uint32_t>{NGHTTP2_NO_ERROR});
}

CAF_TEST(what the origin does not take is held and told once it has gone) {
  begin(false);
  heard.stream->send_content(std::string(more_than_fits, 'x'));
  const size_t window = http2_options{}.initial_window;
  CAF_REQUIRE(run_until(home, [&] { return served().content.size() >= window; }));
  fence();
  CAF_CHECK_EQUAL(served().content.size(), window);
  CAF_CHECK_EQUAL(heard.took, 0u);
  CAF_CHECK(!heard.stream->is_idle());
  far.session->consumed(served(), window);
  CAF_REQUIRE(run_until(home, [&] { return served().content.size() == more_than_fits; }));
  CAF_CHECK_EQUAL(heard.took, more_than_fits);
  heard.let_go();
}

CAF_TEST(the origin may send as much as has gone on) {
  begin(true);
  far.session->submit_response(served(), ok, false);
  far.session->write(served(), std::string(more_than_fits, 'x'));
  far.session->finish(served());
  const size_t window = postern::runtime::limits::stream_window;
  CAF_REQUIRE(run_until(home, [&] { return heard.content.size() >= window; }));
  fence();
  CAF_CHECK_EQUAL(heard.content.size(), window);
  heard.stream->consumed(window);
  CAF_REQUIRE(run_until(home, [&] { return heard.stream == nullptr; }));
  CAF_CHECK_EQUAL(heard.content.size(), more_than_fits);
}

CAF_TEST(letting go resets a stream that runs and no event follows) {
  begin(false);
  far.session->submit_response(served(), ok, false);
  heard.let_go();
  fence();
  CAF_CHECK(served().closed == std::optional<uint32_t>{NGHTTP2_CANCEL});
  CAF_CHECK_EQUAL(heard.log, "");
  CAF_CHECK(!heard.closed);
}

CAF_TEST(a connection that is not to be trusted ends after its last stream) {
  begin(true);
  listener other;
  CAF_REQUIRE(open(other, true));
  heard.let_go(true);
  fence();
  CAF_CHECK(!near->is_usable());
  CAF_CHECK(!near_ended);
  far.session->submit_response(served(), ok, false);
  far.session->finish(served());
  CAF_CHECK(run_until(home, [&] { return near_ended; }));
  CAF_CHECK(other.log.ends_with("end "));
}

CAF_TEST(a connection that is lost takes its streams along and accepts no other) {
  begin(false);
  far.session->close();
  CAF_REQUIRE(run_until(home, [&] { return near_ended; }));
  CAF_CHECK(heard.closed == std::optional<uint32_t>{connection_lost});
  CAF_CHECK(!open(heard, true));
}

CAF_TEST(a connection is silent until something arrives on it) {
  CAF_REQUIRE(open(heard, false));
  CAF_CHECK(heard.stream->is_silent());
  fence();
  CAF_CHECK(!heard.stream->is_silent());
  heard.let_go();
}

CAF_TEST_FIXTURE_SCOPE_END()

CAF_TEST_FIXTURE_SCOPE(early_answer_tests, raw_fixture)

CAF_TEST(an answer before the end of the request stops the request) {
  answer();
  heard.let_go();
  CAF_REQUIRE(closes());
  CAF_CHECK(reset_of(far.got, 1) == std::optional<uint32_t>{NGHTTP2_CANCEL});
}

CAF_TEST(content that the origin does not take is given up with the response) {
  heard.stream->send_content(std::string(more_than_fits, 'x'));
  heard.stream->send_end({});
  answer();
  heard.let_go();
  CAF_REQUIRE(closes());
  CAF_CHECK(reset_of(far.got, 1) == std::optional<uint32_t>{NGHTTP2_CANCEL});
}

CAF_TEST(content that may still go is no reason for a reset) {
  answer();
  heard.stream->send_content("abc");
  heard.stream->send_end({});
  heard.let_go();
  CAF_REQUIRE(closes());
  CAF_CHECK_EQUAL(content_of(far.got, 1), "abc");
  CAF_CHECK(has_ended(far.got, 1));
  CAF_CHECK(!reset_of(far.got, 1));
}

CAF_TEST_FIXTURE_SCOPE_END()
