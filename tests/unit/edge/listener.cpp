#define CAF_SUITE listener
#include "edge/listener.hpp"

#include "tests/unit/runtime/event_loop.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <caf/test/dsl.hpp>

#include <poll.h>
#include <sys/socket.h>

using namespace postern;
using namespace postern::edge;
using runtime::error_category;

namespace asio = boost::asio;

namespace {

constexpr const char* local = "127.0.0.1";

struct fixture {
  runtime::shard home{0};

  runtime::tcp_acceptor open(uint16_t port = 0) { return open_listener(home, local, port).value(); }
  static uint16_t port_of(const runtime::tcp_acceptor& a) { return a.local_endpoint().port(); }

  /// Begins to connect; that is over at once where nothing is in the way.
  runtime::tcp_socket call(const runtime::tcp_acceptor& to) {
    runtime::tcp_socket socket{home.get_executor()};
    socket.open(asio::ip::tcp::v4());
    socket.native_non_blocking(true);
    const auto there = to.local_endpoint();
    const int begun = ::connect(socket.native_handle(), there.data(), there.size());
    CAF_REQUIRE(begun == 0 || errno == EINPROGRESS);
    return socket;
  }
  static bool is_connected(runtime::tcp_socket& socket, int patience_ms) {
    pollfd one{socket.native_handle(), POLLOUT, 0};
    return ::poll(&one, 1, patience_ms) == 1 && (one.revents & (POLLERR | POLLHUP)) == 0;
  }
  /// The next connection that waits, or a closed socket.
  runtime::tcp_socket next(runtime::tcp_acceptor& at) {
    at.non_blocking(true);
    runtime::tcp_socket socket{home.get_executor()};
    boost::system::error_code failure;
    at.accept(socket, failure);
    return socket;
  }
};

std::string said(runtime::tcp_socket& from, runtime::tcp_socket& to, const std::string& text) {
  asio::write(from, asio::buffer(text));
  std::string got(text.size(), '\0');
  asio::read(to, asio::buffer(got));
  return got;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(listener_tests, fixture)

CAF_TEST(an address that is none is the fault of whoever wrote it) {
  for (const auto* address : {"", "localhost", "127.0.0", "127.0.0.1:80", "[::1]"}) {
    const auto opened = open_listener(home, address, 0);
    const auto checked = check_unused(address, 0);
    CAF_REQUIRE(opened.has_error() && checked.has_error());
    CAF_CHECK(opened.error().category == error_category::invalid_input);
    CAF_CHECK_EQUAL(opened.error().cause, "listen_address");
    CAF_CHECK_EQUAL(opened.error().detail, address);
    CAF_CHECK(checked.error() == opened.error());
  }
}

CAF_TEST(an address that is not of this machine is told with its port) {
  // RFC 5737: for documentation only.
  const auto opened = open_listener(home, "192.0.2.1", 8'443);
  const auto checked = check_unused("192.0.2.1", 8'443);
  CAF_REQUIRE(opened.has_error() && checked.has_error());
  CAF_CHECK(opened.error().category == error_category::unavailable);
  CAF_CHECK_EQUAL(opened.error().cause, "listen_failed");
  CAF_CHECK(opened.error().detail.starts_with("192.0.2.1:8443: "));
  CAF_CHECK_EQUAL(checked.error().cause, "listen_failed");
}

CAF_TEST(shards listen on one port and a second node does not) {
  auto first = open();
  const auto port = port_of(first);
  CAF_CHECK(port != 0);
  auto second = open(port);
  CAF_CHECK_EQUAL(port_of(second), port);
  const auto another_node = check_unused(local, port);
  CAF_REQUIRE(another_node.has_error());
  CAF_CHECK(another_node.error().category == error_category::unavailable);
  CAF_CHECK_EQUAL(another_node.error().cause, "listen_failed");
  CAF_CHECK(another_node.error().detail.starts_with("127.0.0.1:" + std::to_string(port) + ": "));
  first.close();
  CAF_CHECK(check_unused(local, port).has_error());
  second.close();
  CAF_CHECK(check_unused(local, port).has_value());
}

CAF_TEST(whoever only looked is not in the way) {
  auto one = open();
  const auto port = port_of(one);
  one.close();
  CAF_REQUIRE(check_unused(local, port).has_value());
  CAF_REQUIRE(check_unused(local, port).has_value());
  CAF_CHECK(open_listener(home, local, port).has_value());
}

CAF_TEST(connections of an earlier node that rest do not count) {
  auto earlier = open();
  const auto port = port_of(earlier);
  auto caller = call(earlier);
  CAF_REQUIRE(is_connected(caller, 20'000));
  auto taken = next(earlier);
  // The side that closes first is the one that rests.
  taken.close();
  caller.close();
  earlier.close();
  CAF_CHECK(check_unused(local, port).has_value());
  CAF_CHECK(open_listener(home, local, port).has_value());
}

CAF_TEST(those who have connected come through and nobody new does) {
  auto acceptor = open();
  auto other = open();
  auto before = call(acceptor);
  CAF_REQUIRE(is_connected(before, 20'000));
  refuse_new_connections(acceptor);
  auto late = call(acceptor);
  // By the time that another has come through, this one would have.
  auto elsewhere = call(other);
  CAF_REQUIRE(is_connected(elsewhere, 20'000));
  CAF_CHECK(!is_connected(late, 0));

  auto taken = next(acceptor);
  CAF_REQUIRE(taken.is_open());
  CAF_CHECK_EQUAL(said(before, taken, "what was on its way"), "what was on its way");
  CAF_CHECK_EQUAL(said(taken, before, "and its answer"), "and its answer");
  CAF_CHECK(!next(acceptor).is_open());
}

CAF_TEST(a successor on the same port is not held up) {
  auto leaving = open();
  refuse_new_connections(leaving);
  auto successor = open(port_of(leaving));
  leaving.close();
  auto caller = call(successor);
  CAF_CHECK(is_connected(caller, 20'000));
  CAF_CHECK(next(successor).is_open());
}

CAF_TEST_FIXTURE_SCOPE_END()
