#define CAF_SUITE dial
#include "runtime/dial.hpp"

#include "runtime/name_resolver.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <caf/test/dsl.hpp>

#include <atomic>
#include <optional>

using namespace postern::runtime;
using namespace postern::test;
using namespace std::chrono_literals;

namespace {

struct fixture {
  fixture() {
    name_resolver::of(home).use([count = asked](const std::string&) {
      ++*count;
      return name_answer{{}, "no such name", false};
    });
  }

  uint16_t port() const { return acceptor.local_endpoint().port(); }

  dial_target target(std::string host) const {
    return {.host = std::move(host), .port = port(), .tls = nullptr, .address = {}};
  }
  /// The same over TLS, by whom the authority vouches for.
  dial_target secure(std::string host) const {
    auto made = target("127.0.0.1");
    made.server_name = std::move(host);
    made.tls =
        tls_client_context::make({.system_authorities = false, .authorities_pem = authority.pem()})
            .value();
    return made;
  }
  /// The same through a proxy.
  dial_target through(std::string proxy, uint16_t proxy_port) const {
    auto made = target("wiki.corp");
    made.proxy =
        std::make_shared<const http_proxy>(http_proxy{std::move(proxy), proxy_port, "joe:secret"});
    return made;
  }

  result<transport> dialled(const dial_target& to, std::chrono::milliseconds timeout = 10s) {
    std::optional<result<transport>> got;
    start(home, [&]() -> awaitable<void> { got.emplace(co_await dial(home, to, timeout)); });
    CAF_REQUIRE(run_until(home, [&] { return got.has_value(); }));
    return std::move(*got);
  }

  error failure(const dial_target& to, std::chrono::milliseconds timeout = 10s) {
    auto got = dialled(to, timeout);
    CAF_REQUIRE(got.has_error());
    CAF_CHECK(got.error().detail.find("secret") == std::string::npos);
    return got.error();
  }

  /// Shakes hands with the next connection, as the server of that identity.
  void serve(const tls_identity& identity) {
    start(
        home,
        [this, server = tls_server_context::make({identity}, {}, {}).value()]() -> awaitable<void> {
          accepted.emplace(co_await acceptor.async_accept(use_awaitable),
                           server->make_connection());
          static_cast<void>(co_await accepted->handshake(home.timers(), 10s));
        });
  }

  /// A port of this machine at which nobody listens.
  uint16_t closed_port() {
    bound.open(asio::ip::tcp::v4());
    bound.bind({asio::ip::address_v4::loopback(), 0});
    return bound.local_endpoint().port();
  }

  shard home{0};
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);
  tcp_acceptor acceptor{home.get_executor(), {asio::ip::address_v4::loopback(), 0}};
  tcp_acceptor bound{home.get_executor()};
  tls_authority authority;
  std::optional<transport> accepted;
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(dial_tests, fixture)

CAF_TEST(local names and addresses are reached without asking anybody) {
  for (const auto* host : {"localhost", "wiki.localhost", "127.0.0.1"})
    CAF_CHECK(dialled(target(host)).has_value());
  auto fixed = target("wiki.corp");
  fixed.address = "127.0.0.1";
  CAF_CHECK(dialled(fixed).has_value());
  CAF_CHECK_EQUAL(asked->load(), 0);
  CAF_CHECK_EQUAL(failure(target("mylocalhost")).cause, "name_unresolved");
  CAF_CHECK_EQUAL(asked->load(), 1);
}

CAF_TEST(the certificate is for the name that was asked for) {
  serve(authority.server({"wiki.corp"}));
  auto got = dialled(secure("wiki.corp"));
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(server_name(got->tls()), "wiki.corp");
}

CAF_TEST(a certificate for another name is told from other failures of TLS) {
  serve(authority.server({"other.corp"}));
  const auto why = failure(secure("wiki.corp"));
  CAF_CHECK(why.category == error_category::bad_gateway);
  CAF_CHECK_EQUAL(why.cause, "tls_certificate");
  CAF_CHECK_EQUAL(why.source, "origin");
}

CAF_TEST(a certificate of an authority that nobody trusts does not hold either) {
  serve(tls_authority{"Stranger"}.server({"wiki.corp"}));
  CAF_CHECK_EQUAL(failure(secure("wiki.corp")).cause, "tls_certificate");
}

CAF_TEST(a peer that leaves instead of shaking hands is no matter of certificates) {
  start(home, [this]() -> awaitable<void> {
    accepted.emplace(co_await acceptor.async_accept(use_awaitable), nullptr);
    accepted->close();
  });
  const auto why = failure(secure("wiki.corp"));
  CAF_CHECK(why.category == error_category::bad_gateway);
  CAF_CHECK_EQUAL(why.cause, "tls_handshake");
  CAF_CHECK_EQUAL(why.source, "origin");
}

CAF_TEST(a peer that is silent uses up the one deadline) {
  const auto why = failure(secure("wiki.corp"), 50ms);  // in the backlog, accepted by nobody
  CAF_CHECK(why.category == error_category::timeout);
  CAF_CHECK_EQUAL(why.cause, "connect_timeout");
  CAF_CHECK_EQUAL(why.source, "origin");
}

CAF_TEST(a proxy that cannot be reached is told from the target) {
  const auto refused = failure(through("127.0.0.1", closed_port()));
  CAF_CHECK(refused.category == error_category::bad_gateway);
  CAF_CHECK_EQUAL(refused.cause, "proxy_unreachable");
  CAF_CHECK_EQUAL(refused.source, "proxy");
  const auto unknown = failure(through("proxy.corp", 3128));
  CAF_CHECK_EQUAL(unknown.cause, "proxy_unresolved");
  CAF_CHECK_EQUAL(unknown.source, "proxy");
  CAF_CHECK_EQUAL(asked->load(), 1);  // for the proxy; the target is its business
}

CAF_TEST(a proxy that is silent is told from a silent target) {
  const auto why = failure(through("127.0.0.1", port()), 50ms);
  CAF_CHECK(why.category == error_category::timeout);
  CAF_CHECK_EQUAL(why.cause, "proxy_timeout");
  CAF_CHECK_EQUAL(why.source, "proxy");
}

CAF_TEST(a proxy opens the way and TLS goes through it) {
  start(
      home,
      [this, server = tls_server_context::make({authority.server({"wiki.corp"})}, {}, {}).value()]()
          -> awaitable<void> {
        accepted.emplace(co_await acceptor.async_accept(use_awaitable), nullptr);
        std::string head;
        while (!head.ends_with("\r\n\r\n")) {
          char piece[1'000];
          const auto got = accepted->try_read(piece);
          if (got.status == io_status::done)
            head.append(piece, got.bytes);
          else if (!co_await accepted->wait_readable())
            co_return;
        }
        CAF_CHECK(head.starts_with("CONNECT wiki.corp:"));
        static_cast<void>(accepted->try_write(std::string_view{"HTTP/1.1 200 OK\r\n\r\n"}));
        accepted->use_tls(server->make_connection());
        static_cast<void>(co_await accepted->handshake(home.timers(), 10s));
      });
  auto to = through("127.0.0.1", port());
  to.tls = secure("wiki.corp").tls;
  auto got = dialled(to);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(server_name(got->tls()), "wiki.corp");
  CAF_CHECK_EQUAL(asked->load(), 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
