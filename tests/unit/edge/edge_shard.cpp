#define CAF_SUITE edge_shard
// The plain port, and who is let in at all. What comes behind TLS is shown by tests/end_to_end.
#include "edge/edge_shard.hpp"

#include "edge/listener.hpp"
#include "runtime/limits.hpp"
#include "tests/unit/connector/loopback.hpp"
#include "tests/unit/edge/node_fixture.hpp"

#include <deque>

using namespace postern;
using namespace postern::edge;
using samples::contains;

namespace asio = boost::asio;

namespace {

struct fixture : edge::testing::node_fixture {
  fixture() {
    context.load->budget.users = 10;
    context.load->budget.all = 20;
    auto acceptor = open_listener(home, "127.0.0.1", 0).value();
    there = acceptor.local_endpoint();
    shard->listen_redirect(std::move(acceptor));
  }
  ~fixture() override {
    callers.clear();
    shard->end();
    CAF_CHECK(works_until([&] { return context.load->connections == 0; }));
    test::run_ready(home);
    shard.reset();
  }

  edge_context shard_context() {
    edge_context one{home, pool, options, urls, clock, random, nullptr, nullptr};
    one.load = context.load;
    one.cookie_keys = context.cookie_keys;
    return one;
  }
  /// Somebody who has connected; the node does not know yet.
  test::origin_end& call() {
    auto& one =
        callers.emplace_back(test::origin_end{runtime::tcp_socket{home.get_executor()}, {}});
    one.socket.connect(there);
    return one;
  }
  bool is_taken(int64_t connections = 1) {
    return works_until([&] { return context.load->connections == connections; });
  }
  /// All that it is told until the node closes.
  std::string answer_to(test::origin_end& caller) {
    CAF_CHECK(works_until([&] {
      caller.look();
      return caller.ended;
    }));
    return caller.got;
  }
  std::string answer(const std::string& head) {
    auto& caller = call();
    caller.say(head);
    return answer_to(caller);
  }

  server_identity identity{options, {}, clock, random};
  std::optional<edge_shard> shard{std::in_place, shard_context(), sys, identity,
                                  edge_shard::routing_listener{}};
  asio::ip::tcp::endpoint there;
  std::deque<test::origin_end> callers;
};

constexpr const char* usual = "GET /a?b=c HTTP/1.1\r\nHost: wiki.example\r\n\r\n";

}  // namespace

CAF_TEST_FIXTURE_SCOPE(edge_shard_tests, fixture)

CAF_TEST(whoever comes without tls is sent to the same place with it) {
  const auto location = "\r\nlocation: https://wiki.example" + urls.port_suffix + "/a?b=c\r\n";
  const auto got = answer(usual);
  CAF_CHECK(got.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"));
  CAF_CHECK(contains(got, location));
  CAF_CHECK(contains(got, "\r\nconnection: close\r\n"));
  CAF_CHECK(got.ends_with("\r\ncontent-length: 0\r\n\r\n"));
  CAF_CHECK(contains(answer("HEAD /a?b=c HTTP/1.1\r\nHost: wiki.example\r\n\r\n"), location));
}

CAF_TEST(a head may come in pieces) {
  auto& caller = call();
  const std::string head = usual;
  caller.say(head.substr(0, 20));
  CAF_REQUIRE(is_taken());
  caller.say(head.substr(20, head.size() - 22));
  test::run_ready(home);
  caller.look();
  CAF_CHECK_EQUAL(caller.got, "");
  caller.say("\r\n");
  CAF_CHECK(answer_to(caller).starts_with("HTTP/1.1 308 "));
}

CAF_TEST(content that was sent in the clear is not covered up by a redirect) {
  const auto got =
      answer("POST /sign-in HTTP/1.1\r\nHost: wiki.example\r\nContent-Length: 0\r\n\r\n");
  CAF_CHECK(got.starts_with("HTTP/1.1 403 "));
  CAF_CHECK(!contains(got, "location"));
  CAF_CHECK(contains(got, "\r\nx-request-id: "));
}

CAF_TEST(what is no request gets no place to go to) {
  for (const auto* head : {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a.example/evil?\r\n\r\n"}) {
    const auto got = answer(head);
    CAF_CHECK(got.starts_with("HTTP/1.1 400 "));
    CAF_CHECK(!contains(got, "location"));
  }
}

CAF_TEST(a head without an end is not read for ever) {
  const std::string field = "X-Filler: " + std::string(4'000, 'x') + "\r\n";
  std::string head = "GET / HTTP/1.1\r\nHost: wiki.example\r\n";
  while (head.size() <= runtime::limits::head_bytes + 2 * field.size())
    head += field;
  auto& caller = call();
  caller.say(head);
  CAF_CHECK_EQUAL(answer_to(caller), "");
}

CAF_TEST(a node that is full takes nobody and takes again once somebody has left) {
  context.load->budget.users = 1;
  auto& first = call();
  CAF_REQUIRE(is_taken());
  auto& second = call();
  CAF_CHECK_EQUAL(answer_to(second), "");
  first.say(usual);
  CAF_CHECK(answer_to(first).starts_with("HTTP/1.1 308 "));
  CAF_REQUIRE(is_taken(0));
  CAF_CHECK(answer(usual).starts_with("HTTP/1.1 308 "));
}

CAF_TEST(an address that has as many as it may gets no more until one of them ends) {
  options.limits.connections_per_address = 2;
  auto& first = call();
  call();
  CAF_REQUIRE(is_taken(2));
  auto& third = call();
  CAF_CHECK_EQUAL(answer_to(third), "");
  first.say(usual);
  CAF_CHECK(answer_to(first).starts_with("HTTP/1.1 308 "));
  CAF_REQUIRE(is_taken(1));
  CAF_CHECK(answer(usual).starts_with("HTTP/1.1 308 "));
}

CAF_TEST(a node that leaves serves those who had connected and then nobody) {
  auto& before = call();
  before.say(usual);
  shard->drain({});
  CAF_CHECK(answer_to(before).starts_with("HTTP/1.1 308 "));
  CAF_REQUIRE(is_taken(0));
  runtime::tcp_socket late{home.get_executor()};
  boost::system::error_code failure;
  late.connect(there, failure);
  CAF_CHECK(failure == asio::error::connection_refused);
}

CAF_TEST(the end of a node is the end of plain connections as well) {
  auto& caller = call();
  CAF_REQUIRE(is_taken());
  shard->end();
  CAF_CHECK_EQUAL(answer_to(caller), "");
  CAF_CHECK(is_taken(0));
}

CAF_TEST_FIXTURE_SCOPE_END()
