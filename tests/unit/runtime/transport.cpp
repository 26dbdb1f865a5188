#define CAF_SUITE transport
#include "runtime/transport.hpp"

#include "runtime/x509.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <caf/test/dsl.hpp>

#include <array>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

using namespace postern::runtime;
using namespace postern::test;
using namespace std::chrono_literals;

namespace {

const auto begin = from_unix_seconds(1'600'000'000), end = from_unix_seconds(4'000'000'000);

/// An authority and a server that it has signed.
struct authority {
  authority() {
    const auto issuer = private_key::generate(), key = private_key::generate();
    pem = self_sign(issuer, {.serial_hex = "01",
                             .common_name = "Test authority",
                             .not_before = begin,
                             .not_after = end,
                             .use = certificate_profile::usage::authority})
              .value();
    const certificate_profile profile{.serial_hex = "02",
                                      .common_name = "server",
                                      .dns_names = {"server.example"},
                                      .not_before = begin,
                                      .not_after = end,
                                      .use = certificate_profile::usage::server};
    server = {sign_key(key, profile, issuer, pem).value(), key.pem()};
  }
  std::string pem;
  tls_identity server;
};

struct fixture {
  shard home{0};
  loopback_pair sockets{home};
  std::optional<transport> ours, theirs;

  void open_plain() {
    ours.emplace(std::move(sockets.dialled), nullptr);
    theirs.emplace(std::move(sockets.accepted), nullptr);
  }

  /// Shakes hands on both sides; the client expects `name`.
  void open_tls(const std::string& name, const authority& a = {}) {
    auto server = tls_server_context::make({a.server}, {}, {"http/1.1"}).value();
    auto client =
        tls_client_context::make(
            {.system_authorities = false, .authorities_pem = a.pem, .protocols = {"http/1.1"}})
            .value();
    ours.emplace(std::move(sockets.dialled), client->make_connection(name));
    theirs.emplace(std::move(sockets.accepted), server->make_connection());
    start(home, [this]() -> awaitable<void> {
      our_hand = co_await ours->handshake(home.timers(), 20s);
      if (!*our_hand) ours->close();
    });
    start(home, [this]() -> awaitable<void> {
      their_hand = co_await theirs->handshake(home.timers(), 20s);
    });
    CAF_REQUIRE(run_until(home, [this] { return our_hand && their_hand; }));
  }

  /// The outcome of reading once something has arrived.
  io_outcome read(transport& from, std::string& into) {
    io_outcome outcome{io_status::want_read, 0};
    char buffer[100];
    run_until(home, [&] {
      outcome = from.try_read(buffer);
      return outcome.status != io_status::want_read;
    });
    into.assign(buffer, outcome.bytes);
    return outcome;
  }

  std::optional<result<void>> our_hand, their_hand;
};

void check_conversation(fixture& f) {
  std::string got;
  char room[10];
  CAF_CHECK(f.theirs->try_read(room).status == io_status::want_read);
  CAF_CHECK(f.theirs->peek() == io_status::want_read);
  const auto sent = f.ours->try_write(std::string_view{"hello"});
  CAF_CHECK(sent.status == io_status::done);
  CAF_CHECK_EQUAL(sent.bytes, 5u);
  CAF_REQUIRE(run_until(f.home, [&] { return f.theirs->peek() == io_status::done; }));
  CAF_CHECK(f.read(*f.theirs, got).status == io_status::done);
  CAF_CHECK_EQUAL(got, "hello");
  f.ours->shutdown();
  CAF_CHECK(!f.ours->is_open());
  CAF_CHECK(f.read(*f.theirs, got).status == io_status::closed);
  CAF_CHECK(f.theirs->peek() == io_status::closed);
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(transport_tests, fixture)

CAF_TEST(plain bytes arrive and the end is seen) {
  open_plain();
  check_conversation(*this);
}

CAF_TEST(the same holds with tls) {
  open_tls("server.example");
  CAF_REQUIRE(our_hand->has_value());
  CAF_REQUIRE(their_hand->has_value());
  CAF_CHECK_EQUAL(selected_protocol(ours->tls()), "http/1.1");
  CAF_CHECK_EQUAL(server_name(theirs->tls()), "server.example");
  check_conversation(*this);
}

CAF_TEST(a chain goes out without its root) {
  authority a;
  a.server.certificate_pem += a.pem;
  open_tls("server.example", a);
  CAF_REQUIRE(our_hand->has_value());
  CAF_CHECK_EQUAL(sk_X509_num(SSL_get_peer_cert_chain(ours->tls())), 1);
}

CAF_TEST(a connection gives one ticket for the next) {
  static int tickets = 0;
  open_tls("server.example");
  CAF_REQUIRE(their_hand->has_value());
  auto* context = SSL_get_SSL_CTX(ours->tls());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION*) { return ++tickets, 0; });
  CAF_CHECK(theirs->try_write(std::string_view{"behind them"}).status == io_status::done);
  std::string got;
  CAF_CHECK(read(*ours, got).status == io_status::done);
  CAF_CHECK_EQUAL(tickets, 1);
}

CAF_TEST(a certificate for another name ends the handshake) {
  open_tls("other.example");
  CAF_REQUIRE(our_hand->has_error());
  CAF_CHECK_EQUAL(our_hand->error().cause, "tls_handshake");
  CAF_CHECK(our_hand->error().detail.find("mismatch") != std::string::npos);
  CAF_CHECK(!their_hand->has_value() || theirs->peek() != io_status::want_read);
}

CAF_TEST(a handshake with a silent peer ends in time) {
  auto client = tls_client_context::make({.system_authorities = false}).value();
  ours.emplace(std::move(sockets.dialled), client->make_connection("server.example"));
  start(home,
        [this]() -> awaitable<void> { our_hand = co_await ours->handshake(home.timers(), 1ms); });
  CAF_REQUIRE(run_until(home, [this] { return our_hand.has_value(); }));
  CAF_CHECK(our_hand->error().category == error_category::timeout);
  CAF_CHECK_EQUAL(our_hand->error().cause, "tls_timeout");
  CAF_CHECK(!ours->is_open());
}

CAF_TEST(a handshake with a peer that speaks no tls fails) {
  auto client = tls_client_context::make({.system_authorities = false}).value();
  ours.emplace(std::move(sockets.dialled), client->make_connection("server.example"));
  asio::write(sockets.accepted, asio::buffer(std::string_view{"HTTP/1.1 400 Bad Request\r\n\r\n"}));
  start(home,
        [this]() -> awaitable<void> { our_hand = co_await ours->handshake(home.timers(), 20s); });
  CAF_REQUIRE(run_until(home, [this] { return our_hand.has_value(); }));
  CAF_CHECK_EQUAL(our_hand->error().cause, "tls_handshake");
}

CAF_TEST(an abort cannot be taken for the end) {
  open_plain();
  CAF_CHECK(ours->try_write(std::string_view{"half"}).status == io_status::done);
  std::string got;
  CAF_CHECK(read(*theirs, got).status == io_status::done);
  ours->abort();
  CAF_CHECK(read(*theirs, got).status == io_status::failed);
}

CAF_TEST(what does not fit waits until it does) {
  open_plain();
  const std::string piece(1 << 20, 'x');
  size_t sent = 0;
  for (auto outcome = ours->try_write(piece); outcome.status == io_status::done;
       outcome = ours->try_write(piece))
    sent += outcome.bytes;
  CAF_CHECK(ours->try_write(piece).status == io_status::want_write);
  bool writable = false;
  start(home,
        [&]() -> awaitable<void> { writable = co_await ours->wait_for(io_status::want_write); });
  run_ready(home);
  CAF_CHECK(!writable);
  std::vector<char> room(1 << 20);
  for (size_t got = 0; got < sent;) {
    const auto outcome = theirs->try_read(room);
    if (outcome.status == io_status::want_read) continue;
    CAF_REQUIRE(outcome.status == io_status::done);
    got += outcome.bytes;
  }
  CAF_CHECK(run_until(home, [&] { return writable; }));
}

CAF_TEST(what tls could not send at once arrives whole and in order) {
  open_tls("server.example");
  ours->socket().set_option(asio::socket_base::send_buffer_size{20'000});
  theirs->socket().set_option(asio::socket_base::receive_buffer_size{20'000});
  std::string sent(3 << 20, '\0');
  for (size_t i = 0; i < sent.size(); ++i)
    sent[i] = static_cast<char>(i * 2654435761u >> 13);
  std::string got;
  std::vector<char> room(100'000);
  size_t offset = 0, blocked = 0;
  for (int idle = 0; got.size() < sent.size() && idle < 100'000;) {
    for (;;) {
      const auto outcome = ours->try_write(std::string_view{sent}.substr(offset));
      if (outcome.status != io_status::done || offset == sent.size()) break;
      CAF_REQUIRE(outcome.bytes > 0);
      offset += outcome.bytes;
    }
    blocked += offset < sent.size();
    const auto outcome = theirs->try_read(room);
    if (outcome.status == io_status::done)
      got.append(room.data(), outcome.bytes);
    else
      ++idle;
  }
  CAF_CHECK(blocked > 0);
  CAF_CHECK(got == sent);
}

CAF_TEST(many records leave in one call) {
  open_tls("server.example");
  const std::string sent(100'000, 'z');
  const auto outcome = ours->try_write(sent);
  CAF_CHECK(outcome.status == io_status::done);
  CAF_CHECK_EQUAL(outcome.bytes, sent.size());
}

CAF_TEST(a wait ends with the connection) {
  open_plain();
  std::optional<bool> readable;
  start(home, [&]() -> awaitable<void> { readable = co_await ours->wait_readable(); });
  run_ready(home);
  CAF_CHECK(!readable);
  ours->close();
  CAF_REQUIRE(run_until(home, [&] { return readable.has_value(); }));
  CAF_CHECK(!*readable);
}

CAF_TEST(a wait whose end was on its way when the connection was closed is no success) {
  open_plain();
  std::optional<bool> readable;
  start(home, [&]() -> awaitable<void> { readable = co_await ours->wait_readable(); });
  run_ready(home);
  // Both become ready in one poll, and the one for writing is handled first.
  CAF_CHECK(theirs->try_write(std::string_view{"x"}).status == io_status::done);
  ours->socket().async_wait(tcp_socket::wait_write,
                            [this](const boost::system::error_code&) { ours->close(); });
  CAF_REQUIRE(run_until(home, [&] { return readable.has_value(); }));
  CAF_CHECK(!*readable);
}

CAF_TEST(a closed connection touches no other that got its number) {
  open_tls("server.example");
  const int number = ours->socket().native_handle();
  ours->close();
  std::array<int, 2> other{-1, -1};
  CAF_REQUIRE_EQUAL(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, other.data()), 0);
  const bool same = other[0] == number || other[1] == number;
  if (!same) {
    CAF_REQUIRE_EQUAL(::dup2(other[0], number), number);
  }
  const int theirs_end = other[1] == number ? other[0] : other[1];
  CAF_REQUIRE_EQUAL(::send(theirs_end, "for another", 11, 0), 11);
  std::array<char, 20> room{};
  CAF_CHECK(ours->try_read(room).status == io_status::failed);
  CAF_CHECK(ours->peek() == io_status::failed);
  CAF_CHECK(ours->try_write(std::string_view{"secret"}).status == io_status::failed);
  CAF_CHECK_EQUAL(::recv(number, room.data(), room.size(), 0), 11);
  CAF_CHECK_EQUAL(::recv(theirs_end, room.data(), room.size(), 0), -1);
  for (const int end : other)
    ::close(end);
  if (!same) ::close(number);
}

CAF_TEST(it is a stream for whoever composes operations) {
  open_tls("server.example");
  const std::string sent(200'000, 'y');
  std::string got(sent.size(), '\0');
  bool written = false, read = false;
  boost::system::error_code at_end;
  start(home, [&]() -> awaitable<void> {
    const std::array<asio::const_buffer, 3> pieces{
        asio::buffer(sent.data(), 10), asio::const_buffer{},
        asio::buffer(sent.data() + 10, sent.size() - 10)};
    co_await asio::async_write(*ours, pieces, use_awaitable);
    ours->shutdown();
    written = true;
  });
  start(home, [&]() -> awaitable<void> {
    co_await asio::async_read(*theirs, asio::buffer(got), use_awaitable);
    char more = 0;
    auto [failure, n] =
        co_await asio::async_read(*theirs, asio::buffer(&more, 1), asio::as_tuple(use_awaitable));
    static_cast<void>(n);
    at_end = failure;
    read = true;
  });
  CAF_REQUIRE(run_until(home, [&] { return written && read; }));
  CAF_CHECK(got == sent);
  CAF_CHECK(at_end == asio::error::eof);
}

CAF_TEST(the end of a peer is seen behind bytes that nobody has read) {
  open_plain();
  CAF_CHECK(!ours->peer_has_left());
  CAF_CHECK(theirs->try_write(std::string_view{"unread"}).status == io_status::done);
  bool readable = false;
  start(home, [&]() -> awaitable<void> { readable = co_await ours->wait_readable(); });
  CAF_REQUIRE(run_until(home, [&] { return readable; }));
  CAF_CHECK(!ours->peer_has_left());
  theirs->close();
  CAF_CHECK(run_until(home, [&] { return ours->peer_has_left(); }));
  CAF_CHECK(ours->peek() == io_status::done);  // nothing was taken
}

CAF_TEST(a reset is seen behind bytes that nobody has read) {
  open_plain();
  CAF_CHECK(theirs->try_write(std::string_view{"unread"}).status == io_status::done);
  theirs->abort();
  CAF_CHECK(run_until(home, [&] { return ours->peer_has_left(); }));
}

CAF_TEST(a connection goes on where it was on another shard) {
  open_tls("server.example");
  shard other{1};
  auto moved = theirs->move_to(other);
  CAF_CHECK(!theirs->is_open());
  CAF_CHECK(moved.get_executor() == other.get_executor());
  CAF_CHECK(ours->try_write(std::string_view{"still here"}).status == io_status::done);
  bool readable = false;
  start(other, [&]() -> awaitable<void> { readable = co_await moved.wait_readable(); });
  CAF_REQUIRE(run_until(other, [&] { return readable; }));
  char room[20];
  CAF_CHECK_EQUAL(moved.try_read(room).bytes, 10u);
}

CAF_TEST_FIXTURE_SCOPE_END()
