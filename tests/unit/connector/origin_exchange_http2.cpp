#define CAF_SUITE origin_exchange_http2
// What an origin says over HTTP/2, frame by frame.

#include "connector/limits.hpp"
#include "tests/unit/connector/exchange_fixture.hpp"
#include "tests/unit/connector/raw_http2.hpp"

#include <thread>

using namespace postern::test;
using namespace std::chrono_literals;
namespace connector = postern::connector;

namespace {

struct fixture : exchange_fixture {
  postern::runtime::tcp_acceptor acceptor{home.get_executor(),
                                          {boost::asio::ip::address_v4::loopback(), 0}};

  fixture() {
    acceptor.non_blocking(true);
    publish(3min);
  }
  ~fixture() {
    context.multiplexed.clear();
    run_ready(home);
  }

  void publish(std::chrono::milliseconds idle_timeout) {
    postern::actors::connector_configuration from;
    from.applications.resize(1);
    auto& wiki = from.applications[0];
    wiki.name = "wiki";
    wiki.internal_url =
        "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/";
    wiki.origin_protocol = postern::config::origin_protocol_kind::h2c;
    wiki.idle_timeout = idle_timeout;
    context.origins = connector::origin_table::make(from, {}, {}, nullptr);
  }

  /// The origin of a connection that is being made, once it has the head of stream 1.
  origin_end accept() {
    std::optional<origin_end> one;
    CAF_REQUIRE(run_until(home, [&] {
      boost::system::error_code failed;
      auto socket = acceptor.accept(failed);
      if (!failed) one.emplace(origin_end{std::move(socket), {}});
      return one.has_value();
    }));
    one->say(settings_frame());
    CAF_REQUIRE(gets_head(*one, 1));
    return std::move(*one);
  }

  /// Says something, which is at the connector's socket when this returns.
  void say_now(origin_end& at, const std::string& text) {
    const auto near = context.multiplexed.find(context.origins->find("wiki")->id);
    CAF_REQUIRE(near);
    at.say(text);
    while (near->session().connection().socket().available() == 0)
      std::this_thread::yield();
  }

  bool gets_head(origin_end& at, uint32_t stream) {
    return run_until(home, [&] {
      at.look();
      return has_head(at.got, stream);
    });
  }
};

std::string interim_heads(unsigned count) {
  std::string all;
  while (count-- > 0)
    all += status_frame(1, "102", false);
  return all;
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(origin_exchange_http2_tests, fixture)

CAF_TEST(content that arrives while a refused stream is being replaced is not lost) {
  auto& asked = send("PUT", false);
  auto origin = accept();
  CAF_REQUIRE(run_until(home, [&] { return node.session->room(asked) > 0; }));
  // Both leave in one turn, the reset first: so they are there when the connector looks.
  node.session->write(asked, "abc");
  auto refuse = [&] { say_now(origin, reset_frame(1, NGHTTP2_REFUSED_STREAM)); };
  home.defer([](void* work) { (*static_cast<decltype(refuse)*>(work))(); }, &refuse);
  CAF_REQUIRE(gets_head(origin, 3));
  node.session->write(asked, "def");
  node.session->finish(asked);
  CAF_REQUIRE(run_until(home, [&] {
    origin.look();
    return has_ended(origin.got, 3);
  }));
  CAF_CHECK_EQUAL(content_of(origin.got, 1), "");
  CAF_CHECK_EQUAL(content_of(origin.got, 3), "abcdef");
  origin.say(status_frame(3, "204", true));
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "head :status=204;via=2 postern;ended ");
}

CAF_TEST(an origin may say often that it is at work) {
  auto& asked = send("GET", true);
  auto origin = accept();
  origin.say(interim_heads(connector::limits::interim_responses) + status_frame(1, "204", true));
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "head :status=204;via=2 postern;ended ");
}

CAF_TEST(an origin that says nothing else is malformed and its stream ends) {
  auto& asked = send("GET", true);
  auto origin = accept();
  origin.say(interim_heads(connector::limits::interim_responses + 1));
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(asked.log, "head :status=502;postern-error=origin_malformed;ended ");
  CAF_CHECK(run_until(home, [&] {
    origin.look();
    return reset_of(origin.got, 1) == std::optional<uint32_t>{NGHTTP2_CANCEL};
  }));
  CAF_CHECK(run_until(home, [&] { return tunnel.closed == 1; }));
}

CAF_TEST(a response that ends as its time is over is whole) {
  constexpr auto idle_timeout = 1s;
  publish(idle_timeout);
  auto& asked = send("GET", true);
  auto origin = accept();
  origin.say(status_frame(1, "200", false));
  CAF_REQUIRE(run_until(home, [&] { return !asked.log.empty(); }));
  run_ready(home);
  std::this_thread::sleep_for(idle_timeout + 200ms);
  // One handler, the timer's: the end arrives before the exchange that it has woken goes on.
  home.io().run_one();
  say_now(origin, end_frame(1));
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_NO_ERROR});
  CAF_CHECK_EQUAL(asked.log, "head :status=200;via=2 postern; end ");
}

CAF_TEST_FIXTURE_SCOPE_END()
