#define CAF_SUITE http2_session
#include "runtime/http2_session.hpp"

#include "runtime/limits.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"

#include <boost/asio/write.hpp>
#include <caf/test/dsl.hpp>

#include <memory>
#include <optional>

using namespace postern::runtime;
using namespace postern::test;

namespace {

std::string text_of(const field_list& fields) {
  std::string text;
  for (const auto& f : fields)
    text += std::string{f.name} + "=" + std::string{f.value} + ";";
  return text;
}

/// Writes down what happens to a stream.
struct recorder final : http2_stream {
  void on_head(const field_list& fields, bool end) override {
    log += "head " + text_of(fields) + (end ? "end " : " ");
  }
  void on_interim(const field_list& fields) override { log += "interim " + text_of(fields) + " "; }
  void on_content(std::string_view piece) override { content += piece; }
  void on_trailers(const field_list& fields) override {
    log += "trailers " + text_of(fields) + " ";
  }
  void on_end() override { log += "end "; }
  void on_writable() override { ++writable; }
  void on_closed(uint32_t code) override { closed = code; }

  std::string log, content;
  int writable = 0;
  std::optional<uint32_t> closed;
};

/// One end: a session, its streams and what it was told.
struct endpoint final : http2_owner {
  http2_stream* on_request_stream() override {
    if (refuses) return nullptr;
    return accepted.emplace_back(std::make_unique<recorder>()).get();
  }
  void on_going_away() override { going_away = true; }
  void on_heard() override { ++heard; }
  void on_settings() override { settings = true; }
  void on_ping_answer() override { ++answers; }

  void open(shard& home, tcp_socket socket, const http2_options& options) {
    session.emplace(home, transport{std::move(socket), nullptr}, *this, options);
    start(home, [this]() -> awaitable<void> { ended = co_await session->run(); });
  }

  std::optional<http2_session> session;
  std::vector<std::unique_ptr<recorder>> accepted;
  std::optional<error> ended;
  bool refuses = false, going_away = false, settings = false;
  int answers = 0, heard = 0;
};

/// As in a tunnel: the node has accepted the connection and sends the requests, the connector has
/// dialled and answers.
struct fixture {
  shard home{0};
  std::optional<loopback_pair> sockets{home};
  endpoint node, connector;
  std::vector<std::unique_ptr<recorder>> requests;  // streams outlive their session

  recorder& make_request() { return *requests.emplace_back(std::make_unique<recorder>()); }

  void open(http2_options for_node = {}, http2_options for_connector = {}) {
    for_connector.server = true;
    node.open(home, std::move(sockets->accepted), for_node);
    connector.open(home, std::move(sockets->dialled), for_connector);
    CAF_REQUIRE(run_until(home, [this] { return node.settings && connector.settings; }));
  }

  /// Everything that one side has sent before has arrived and been handled when this returns.
  void fence(endpoint& from) {
    const auto before = from.answers;
    from.session->ping();
    CAF_REQUIRE(run_until(home, [&] { return from.answers > before; }));
  }
  void fence() {
    fence(node);
    fence(connector);
    fence(node);
  }

  /// A request that has arrived at the connector; its other end is the last of connector.accepted.
  void request(recorder& stream, bool ended) {
    const field_list fields{
        {":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}};
    CAF_REQUIRE(node.session->submit_request(stream, fields, ended).has_value());
    fence(node);
    CAF_REQUIRE(!connector.accepted.empty());
  }
  recorder& served() { return *connector.accepted.back(); }

  /// Writes `size` bytes on a stream whose reader takes each piece but for the last `behind` bytes.
  void pass(recorder& asked, size_t size, size_t behind) {
    auto& reader = served();
    size_t consumed = reader.content.size();
    for (const auto end = consumed + size; reader.content.size() < end;) {
      node.session->write(asked, std::string(16 * 1024, 'x'));
      fence();
      const auto taken = std::max(reader.content.size(), consumed + behind) - behind - consumed;
      connector.session->consumed(reader, taken);
      consumed += taken;
      fence();
    }
    connector.session->consumed(reader, reader.content.size() - consumed);
    fence();
  }

  /// How many bytes the peer of a reader that takes nothing may send.
  size_t window_of(recorder& asked) {
    auto& reader = served();
    const auto before = reader.content.size();
    node.session->write(asked, std::string(2 * limits::largest_stream_window, 'x'));
    size_t got = 0;
    do {
      got = reader.content.size();
      fence();
    } while (reader.content.size() > got);
    return got - before;
  }

  bool both_ended() {
    return run_until(home, [this] {
      return (!node.session || node.ended) && (!connector.session || connector.ended);
    });
  }

  ~fixture() {
    if (node.session) node.session->close();
    if (connector.session) connector.session->close();
    CAF_CHECK(both_ended());
  }
};

const field_list ok{{":status", "200"}};

/// Writes as long as there is room; returns the bytes.
size_t fill(http2_session& session, http2_stream& stream) {
  size_t written = 0;
  for (auto room = session.room(stream); room > 0; room = session.room(stream)) {
    session.write(stream, std::string(std::min<size_t>(room, 10'000), 'x'));
    written += std::min<size_t>(room, 10'000);
  }
  return written;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http2_session_tests, fixture)

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
