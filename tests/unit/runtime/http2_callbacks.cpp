#define CAF_SUITE http2_callbacks
// What a session makes of the bytes of a client that no session of ours would send, or that does
// not read.
#include "runtime/http2_session.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"

#include <boost/asio/write.hpp>
#include <caf/test/dsl.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <vector>

using namespace postern::runtime;
using namespace postern::test;

namespace {

std::string number(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string bytes = number(static_cast<uint32_t>(payload.size())).substr(1);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  return bytes + number(stream) + payload;
}

/// GET http://a/ (RFC 7541: three fields of the static table and a literal).
std::string request(uint32_t stream) {
  return frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream,
               "\x82\x86\x84\x41\x01"
               "a");
}

std::string ping(uint32_t stream) {
  return frame(NGHTTP2_PING, 0, stream, "12345678");
}

struct quiet_stream final : http2_stream {
  void on_head(const field_list&, bool) override {}
  void on_content(std::string_view) override {}
  void on_end() override {}
  void on_closed(uint32_t code) override { closed = code; }
  std::optional<uint32_t> closed;
};

/// A session that answers a bare socket.
struct fixture : http2_owner {
  fixture() {
    // Full after little.
    sockets.dialled.set_option(asio::socket_base::send_buffer_size{16 * 1024});
    sockets.accepted.set_option(asio::socket_base::receive_buffer_size{16 * 1024});
    sockets.accepted.non_blocking(true);
    session.emplace(home, transport{std::move(sockets.dialled), nullptr}, *this,
                    http2_options{.server = true});
    start(home, [this]() -> awaitable<void> { ended = co_await session->run(); });
    // Windows that are never the limit.
    send(std::string{NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN} +
         frame(NGHTTP2_SETTINGS, 0, 0, std::string{"\0\4", 2} + number(0x7fffffff)) +
         frame(NGHTTP2_WINDOW_UPDATE, 0, 0, number(0x7fffffff - 65'535)) + request(1));
    CAF_REQUIRE(run_until(home, [this] { return accepted.size() == 1; }));
  }
  virtual ~fixture() {
    session->close();
    CAF_CHECK(run_until(home, [this] { return ended.has_value(); }));
  }

  http2_stream* on_request_stream() override {
    return accepted.emplace_back(std::make_unique<quiet_stream>()).get();
  }
  void on_heard() override { ++heard; }

  void send(const std::string& bytes) { asio::write(sockets.accepted, asio::buffer(bytes)); }

  /// The same, and the session has seen it when this returns.
  void say(const std::string& bytes) {
    const auto before = heard;
    send(bytes);
    CAF_REQUIRE(run_until(home, [&] { return heard > before; }));
  }

  /// Answers the first request with more than the socket takes.
  void fill_socket() {
    session->submit_response(*accepted[0], {{":status", "200"}}, false);
    session->write(*accepted[0], std::string(1 << 20, 'x'));
    CAF_REQUIRE(run_until(home, [this] { return session->write_blocked(); }));
  }

  /// Reads what is there.
  void read() {
    std::array<char, 16 * 1024> room{};
    boost::system::error_code failure;
    for (size_t n = 1; n > 0;) {
      n = sockets.accepted.read_some(asio::buffer(room), failure);
      got.append(room.data(), n);
    }
  }

  /// The payload of the first frame of a type among what was read.
  std::optional<std::string> find(uint8_t type) const {
    const auto byte = [this](size_t at) {
      return static_cast<size_t>(static_cast<uint8_t>(got[at]));
    };
    for (size_t at = 0; at + 9 <= got.size();) {
      const auto size = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
      if (at + 9 + size > got.size()) break;
      if (byte(at + 3) == type) return got.substr(at + 9, size);
      at += 9 + size;
    }
    return std::nullopt;
  }

  shard home{0};
  loopback_pair sockets{home};
  std::vector<std::unique_ptr<quiet_stream>> accepted;  // streams outlive their session
  std::optional<http2_session> session;
  std::optional<error> ended;
  std::string got;
  int heard = 0;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(http2_callbacks_tests, fixture)

CAF_TEST(a client that breaks the protocol after its goodbye is left with all it has open) {
  say(frame(NGHTTP2_GOAWAY, 0, 0, number(0) + number(NGHTTP2_NO_ERROR)) + ping(1));
  CAF_REQUIRE(run_until(home, [this] { return ended.has_value(); }));
  CAF_CHECK_EQUAL(ended->cause, "http2_protocol");
  CAF_CHECK(accepted[0]->closed == std::optional<uint32_t>{connection_lost});
}

CAF_TEST(a client that breaks the protocol after our goodbye is left with all it has open) {
  session->go_away();
  CAF_REQUIRE(run_until(home, [this] { return read(), find(NGHTTP2_GOAWAY).has_value(); }));
  send(ping(1));
  CAF_REQUIRE(run_until(home, [this] { return ended.has_value(); }));
  CAF_CHECK_EQUAL(ended->cause, "http2_protocol");
  CAF_CHECK(accepted[0]->closed == std::optional<uint32_t>{connection_lost});
}

CAF_TEST(nobody looks at a request behind our goodbye even before that has room to go out) {
  fill_socket();
  session->go_away();
  run_ready(home);
  say(request(3));
  CAF_CHECK_EQUAL(accepted.size(), 1u);
  CAF_REQUIRE(run_until(home, [this] { return read(), find(NGHTTP2_GOAWAY).has_value(); }));
  CAF_CHECK(find(NGHTTP2_GOAWAY)->starts_with(number(1) + number(NGHTTP2_NO_ERROR)));
  CAF_CHECK(!accepted[0]->closed);
  session->finish(*accepted[0]);
  CAF_CHECK(run_until(home, [this] { return read(), accepted[0]->closed.has_value(); }));
  CAF_CHECK(accepted[0]->closed == std::optional<uint32_t>{0});
}

CAF_TEST(what waits for the socket goes out before a session that has finished ends) {
  session->submit_response(*accepted[0], {{":status", "200"}}, false);
  // So much leaves nghttp2 in one go, and the socket takes less.
  const std::string content(200'000, 'x');
  session->write(*accepted[0], content);
  session->finish(*accepted[0]);
  session->go_away();
  CAF_REQUIRE(run_until(home, [this] { return session->write_blocked(); }));
  // Nothing that anybody would have to answer.
  say(frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678"));
  CAF_CHECK(run_until(home, [this] { return read(), ended.has_value(); }));
  read();
  CAF_CHECK(std::ranges::count(got, 'x') == static_cast<std::ptrdiff_t>(content.size()));
  CAF_CHECK(find(NGHTTP2_GOAWAY).has_value());
}

CAF_TEST(requests that cross the notice of our goodbye are still looked at) {
  fill_socket();
  session->announce_end();
  say(request(3));
  CAF_CHECK_EQUAL(accepted.size(), 2u);
  session->go_away();
  CAF_REQUIRE(
      run_until(home, [this] { return read(), got.find(number(3) + number(0)) != got.npos; }));
  CAF_CHECK(!accepted[1]->closed);
}

CAF_TEST(a socket that is not blocked any more has taken what was submitted meanwhile) {
  fill_socket();
  session->ping();
  CAF_REQUIRE(run_until(home, [this] { return read(), !session->write_blocked(); }));
  // The session gets no turn from here on.
  for (int i = 0; i < 200 && !find(NGHTTP2_PING); ++i) {
    pollfd arrived{sockets.accepted.native_handle(), POLLIN, 0};
    ::poll(&arrived, 1, 10);
    read();
  }
  CAF_CHECK(find(NGHTTP2_PING).has_value());
}

CAF_TEST_FIXTURE_SCOPE_END()
