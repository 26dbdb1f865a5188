#define CAF_SUITE socket_relay
#include "runtime/socket_relay.hpp"

#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <caf/test/dsl.hpp>

#include <fcntl.h>
#include <optional>
#include <unistd.h>

using namespace postern::runtime;
using namespace postern::test;
using namespace std::chrono_literals;

namespace {

/// A peer outside, the relay, and a library that has the inner descriptor.
struct fixture {
  ~fixture() { close_inner(); }

  void start_relay(transport outer) {
    auto made = make_inner_pair(home);
    CAF_REQUIRE(made.has_value());
    inner = made->second.release();
    CAF_REQUIRE_EQUAL(::fcntl(inner, F_SETFL, O_NONBLOCK), 0);
    const auto relay = std::make_shared<socket_relay>(std::move(outer), std::move(made->first));
    relay->start();
    carried_by = relay;
  }

  void open_plain() {
    peer.emplace(std::move(sockets.dialled), nullptr);
    start_relay({std::move(sockets.accepted), nullptr});
  }

  void close_inner() {
    if (inner >= 0) ::close(std::exchange(inner, -1));
  }

  /// Takes what has come to the library; false at the end.
  bool read_inner() {
    char piece[10'000];
    ssize_t n = 0;
    while ((n = ::read(inner, piece, sizeof piece)) > 0)
      inner_got.append(piece, static_cast<size_t>(n));
    return n != 0;
  }

  /// Takes what has come to the peer; says why there is no more.
  io_status read_peer() {
    char piece[10'000];
    for (;;) {
      const auto got = peer->try_read(piece);
      if (got.status != io_status::done) return got.status;
      peer_got.append(piece, got.bytes);
    }
  }

  void write_inner(std::string_view text) const {
    CAF_REQUIRE_EQUAL(::write(inner, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  bool is_gone() {
    return run_until(home, [this] { return carried_by.expired(); });
  }

  shard home{0};
  loopback_pair sockets{home};
  std::optional<transport> peer;
  std::weak_ptr<socket_relay> carried_by;
  int inner = -1;
  std::string inner_got, peer_got;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(socket_relay_tests, fixture)

CAF_TEST(a descriptor is closed by its last owner unless it was released) {
  auto made = make_inner_pair(home);
  CAF_REQUIRE(made.has_value());
  int handle = -1;
  {
    descriptor moved{std::move(made->second)};
    CAF_CHECK_EQUAL(made->second.release(), -1);
    handle = moved.release();
    CAF_CHECK_EQUAL(moved.release(), -1);
  }
  CAF_CHECK_EQUAL(::fcntl(handle, F_GETFD), FD_CLOEXEC);  // open, and no child inherits it
  {
    const descriptor owner{handle};
  }
  CAF_CHECK_EQUAL(::fcntl(handle, F_GETFD), -1);
}

CAF_TEST(bytes go both ways) {
  open_plain();
  CAF_CHECK(peer->try_write(std::string_view{"to the library"}).status == io_status::done);
  write_inner("to the peer");
  CAF_CHECK(run_until(home, [this] { return read_inner() && inner_got == "to the library"; }));
  CAF_CHECK(run_until(home, [this] { return read_peer(), peer_got == "to the peer"; }));
  CAF_REQUIRE(!carried_by.expired());
  CAF_CHECK(carried_by.lock()->is_open());
}

CAF_TEST(the last words of the peer arrive before the end) {
  open_plain();
  CAF_CHECK(peer->try_write(std::string_view{"last words"}).status == io_status::done);
  peer->shutdown();
  CAF_CHECK(is_gone());
  CAF_CHECK(!read_inner());
  CAF_CHECK_EQUAL(inner_got, "last words");
}

CAF_TEST(the last words of the library arrive before the end) {
  open_plain();
  write_inner("last words");
  close_inner();
  CAF_CHECK(is_gone());
  CAF_CHECK(run_until(home, [this] { return read_peer() == io_status::closed; }));
  CAF_CHECK_EQUAL(peer_got, "last words");
}

CAF_TEST(to end it ends both sides) {
  open_plain();
  run_ready(home);
  const auto relay = carried_by.lock();
  relay->end();
  CAF_CHECK(!relay->is_open());
  CAF_CHECK(!read_inner());
  CAF_CHECK(run_until(home, [this] { return read_peer() == io_status::closed; }));
  CAF_CHECK(run_until(home, [this] { return carried_by.use_count() == 1; }));
}

CAF_TEST(a library that does not read holds up the peer and loses nothing) {
  open_plain();
  std::string sent;
  // More than all buffers of the two sockets hold.
  while (sent.size() < (size_t{64} << 20)) {
    const std::string piece(100'000, static_cast<char>('a' + sent.size() / 1'000 % 26));
    const auto wrote = peer->try_write(piece);
    if (wrote.status == io_status::done) {
      sent.append(piece, 0, wrote.bytes);
      continue;
    }
    run_ready(home);  // the relay takes what it has room for
    const auto again = peer->try_write(piece);
    if (again.status != io_status::done) break;
    sent.append(piece, 0, again.bytes);
  }
  CAF_CHECK(sent.size() < (size_t{64} << 20));
  CAF_CHECK(run_until(home, [&] { return read_inner() && inner_got.size() >= sent.size(); }));
  CAF_CHECK(inner_got == sent);
}

CAF_TEST(with tls the peer is told of the end) {
  const auto server =
      tls_server_context::make({tls_authority{}.server({"server.example"})}, {}, {}).value();
  const auto client = tls_client_context::make({.verify = false}).value();
  peer.emplace(std::move(sockets.dialled), client->make_connection("server.example"));
  transport outer{std::move(sockets.accepted), server->make_connection()};
  int shaken = 0;
  for (auto* side : {&*peer, &outer})
    start(home, [this, side, &shaken]() -> awaitable<void> {
      if (co_await side->handshake(home.timers(), 20s)) ++shaken;
    });
  CAF_REQUIRE(run_until(home, [&] { return shaken == 2; }));
  start_relay(std::move(outer));
  write_inner("sealed");
  close_inner();
  // A connection that was only cut would have failed here.
  CAF_CHECK(run_until(home, [this] {
    const auto status = read_peer();
    return status == io_status::closed || status == io_status::failed;
  }));
  CAF_CHECK(read_peer() == io_status::closed);
  CAF_CHECK_EQUAL(peer_got, "sealed");
}

CAF_TEST_FIXTURE_SCOPE_END()
