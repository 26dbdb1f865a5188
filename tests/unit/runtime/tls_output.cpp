#define CAF_SUITE tls_output
#include "runtime/tls_output.hpp"

#include "tests/unit/runtime/tls_authority.hpp"

#include <caf/test/dsl.hpp>

#include <array>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace postern::runtime;
using namespace postern::test;

namespace {

/// A client that writes to a socket, and a server that is fed by hand from its other end.
struct fixture {
  ~fixture() {
    client.reset();
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }

  void open(int type) {
    CAF_REQUIRE_EQUAL(::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
                      0);
    client_context = tls_client_context::make({.verify = false}).value();
    server_context =
        tls_server_context::make({tls_authority{}.server({"server.example"})}, {}, {}).value();
    client = client_context->make_connection("server.example");
    server = server_context->make_connection();
    SSL_set0_rbio(client.get(), BIO_new(BIO_s_mem()));
    SSL_set_bio(server.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    output = std::make_unique<tls_output>(client.get(), ends[0]);
  }

  /// Gives the server what one call takes from the socket; false if there is nothing.
  bool receive() {
    const auto n = ::recv(ends[1], room.data(), room.size(), 0);
    if (n <= 0) return false;
    CAF_REQUIRE_EQUAL(BIO_write(SSL_get_rbio(server.get()), room.data(), static_cast<int>(n)), n);
    return true;
  }

  void shake_hands() {
    for (int round = 0; round < 5; ++round) {
      SSL_do_handshake(client.get());
      while (receive()) {
      }
      SSL_do_handshake(server.get());
      const int n =
          BIO_read(SSL_get_wbio(server.get()), room.data(), static_cast<int>(room.size()));
      if (n > 0) BIO_write(SSL_get_rbio(client.get()), room.data(), n);
    }
    CAF_REQUIRE(SSL_is_init_finished(client.get()) == 1);
    CAF_REQUIRE(SSL_is_init_finished(server.get()) == 1);
  }

  /// All that has reached the server.
  std::string received() {
    while (receive()) {
    }
    std::string got;
    std::array<char, 1'000> piece{};
    for (int n = 0; (n = SSL_read(server.get(), piece.data(), piece.size())) > 0;)
      got.append(piece.data(), static_cast<size_t>(n));
    return got;
  }

  /// Writes until the socket is full; `refused` is what it had no room for.
  void fill() {
    for (int i = 0; i < 10'000; ++i) {
      refused = std::string(10'000, static_cast<char>('a' + i % 26));
      const auto wrote = output->write(refused);
      if (wrote.result == tls_output::status::blocked) return;
      CAF_REQUIRE(wrote.result == tls_output::status::done);
      CAF_REQUIRE_EQUAL(wrote.bytes, refused.size());
      sent += refused;
    }
    CAF_FAIL("the socket takes everything");
  }

  /// Reads at the other end and offers `refused` again until it is taken.
  void offer_again() {
    for (int i = 0; i < 10'000; ++i) {
      got += received();
      const auto wrote = output->write(refused);
      if (wrote.result == tls_output::status::blocked) continue;
      CAF_CHECK(wrote.result == tls_output::status::done);
      CAF_CHECK_EQUAL(wrote.bytes, refused.size());
      break;
    }
    sent += refused;
    got += received();
  }

  std::array<int, 2> ends{-1, -1};
  std::shared_ptr<tls_client_context> client_context;
  std::shared_ptr<tls_server_context> server_context;
  std::unique_ptr<tls_output> output;  // outlives the client
  ssl_ptr client, server;
  std::vector<char> room = std::vector<char>(1 << 20);
  std::string sent, got, refused;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(tls_output_tests, fixture)

CAF_TEST(the records of one write leave in one system call) {
  open(SOCK_SEQPACKET);  // keeps the bounds of each call
  shake_hands();
  const std::string content(60'000, 'x');  // four records
  const auto wrote = output->write(content);
  CAF_CHECK(wrote.result == tls_output::status::done);
  CAF_CHECK_EQUAL(wrote.bytes, content.size());
  CAF_CHECK(receive());
  CAF_CHECK(!receive());
  CAF_CHECK(received() == content);
}

CAF_TEST(nothing to write is done at once) {
  open(SOCK_STREAM);
  shake_hands();
  const auto wrote = output->write({});
  CAF_CHECK(wrote.result == tls_output::status::done);
  CAF_CHECK_EQUAL(wrote.bytes, 0u);
  CAF_CHECK(!receive());
}

CAF_TEST(a write before the handshake begins it and takes nothing) {
  open(SOCK_STREAM);
  const auto early = output->write(std::string_view{"early"});
  CAF_CHECK(early.result == tls_output::status::want);
  CAF_CHECK_EQUAL(early.bytes, 0u);
  CAF_CHECK(receive());  // the client's hello
  shake_hands();
  CAF_CHECK(output->write(std::string_view{"early"}).result == tls_output::status::done);
  CAF_CHECK_EQUAL(received(), "early");
}

CAF_TEST(what had no room arrives once although it is offered again) {
  open(SOCK_STREAM);
  shake_hands();
  fill();
  const auto again = output->write(refused);  // nobody has read meanwhile
  CAF_CHECK(again.result == tls_output::status::blocked);
  CAF_CHECK_EQUAL(again.bytes, 0u);
  offer_again();
  CAF_CHECK(got == sent);
  CAF_CHECK(output->write(std::string_view{"next"}).result == tls_output::status::done);
  CAF_CHECK_EQUAL(received(), "next");
}

CAF_TEST(the end does not overtake the records that wait) {
  open(SOCK_STREAM);
  shake_hands();
  fill();
  SSL_shutdown(client.get());
  got += received();
  CAF_CHECK(SSL_get_shutdown(server.get()) == 0);
  offer_again();
  CAF_CHECK(got == sent);
  CAF_CHECK((SSL_get_shutdown(server.get()) & SSL_RECEIVED_SHUTDOWN) != 0);
}

CAF_TEST(a peer that has gone fails the write and raises no signal) {
  open(SOCK_STREAM);
  shake_hands();
  ::close(std::exchange(ends[1], -1));
  CAF_CHECK(output->write(std::string_view{"anyone"}).result == tls_output::status::failed);
}

CAF_TEST(a peer that has gone fails what waits for it too) {
  open(SOCK_STREAM);
  shake_hands();
  fill();
  ::close(std::exchange(ends[1], -1));
  CAF_CHECK(output->write(refused).result == tls_output::status::failed);
}

CAF_TEST_FIXTURE_SCOPE_END()
