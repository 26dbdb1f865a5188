#define CAF_SUITE name_resolver
#include "runtime/name_resolver.hpp"

#include "runtime/dial.hpp"
#include "tests/unit/runtime/event_loop.hpp"

#include <caf/test/dsl.hpp>

#include <atomic>
#include <future>
#include <optional>

using namespace postern::runtime;
using namespace postern::test;
using namespace std::chrono_literals;

namespace {

address_list addresses(std::initializer_list<const char*> texts) {
  address_list out;
  for (const auto* text : texts)
    out.push_back(asio::ip::make_address(text));
  return out;
}

std::string shown(const address_list& list) {
  std::string out;
  for (const auto& one : list)
    out += one.to_string() + " ";
  return out;
}

struct fixture {
  shard home{0};
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);
  tcp_acceptor acceptor{home.get_executor(), {asio::ip::address_v4::loopback(), 0}};

  /// Every name has these addresses.
  void answer(name_answer what) {
    name_resolver::of(home).use([what, count = asked](const std::string&) {
      ++*count;
      return what;
    });
  }

  result<transport> dial_name(std::string name, std::chrono::milliseconds timeout = 10s) {
    std::optional<result<transport>> got;
    dial_target target{.host = std::move(name),
                       .port = acceptor.local_endpoint().port(),
                       .tls = nullptr,
                       .address = {}};
    start(home, [&]() -> awaitable<void> { got.emplace(co_await dial(home, target, timeout)); });
    CAF_REQUIRE(run_until(home, [&] { return got.has_value(); }));
    return std::move(*got);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(name_resolver_tests, fixture)

CAF_TEST(families take turns) {
  CAF_CHECK_EQUAL(
      shown(order_for_trying(addresses({"::1", "::2", "::3", "1.1.1.1", "1.1.1.2"}), {})),
      "::1 1.1.1.1 ::2 1.1.1.2 ::3 ");
  CAF_CHECK_EQUAL(shown(order_for_trying(addresses({"1.1.1.1", "1.1.1.2", "::1"}), {})),
                  "1.1.1.1 ::1 1.1.1.2 ");
  CAF_CHECK_EQUAL(shown(order_for_trying({}, {})), "");
}

CAF_TEST(what worked last is tried first if it is still there) {
  const auto list = addresses({"::1", "::2", "1.1.1.1", "1.1.1.2"});
  CAF_CHECK_EQUAL(shown(order_for_trying(list, asio::ip::make_address("1.1.1.2"))),
                  "1.1.1.2 ::1 1.1.1.1 ::2 ");
  CAF_CHECK_EQUAL(shown(order_for_trying(list, asio::ip::make_address("9.9.9.9"))),
                  "::1 1.1.1.1 ::2 1.1.1.2 ");
}

CAF_TEST(connections shortly after each other share one answer) {
  answer({addresses({"127.0.0.1"}), {}, false});
  for (int i = 0; i < 3; ++i)
    CAF_CHECK(dial_name("wiki.corp").has_value());
  CAF_CHECK_EQUAL(asked->load(), 1);
  CAF_CHECK(dial_name("other.corp").has_value());
  CAF_CHECK_EQUAL(asked->load(), 2);
}

CAF_TEST(an address that refuses is followed by the next at once) {
  answer({addresses({"::1", "127.0.0.1"}), {}, false});
  // Nobody listens on ::1 with this port; less than the delay between attempts is needed.
  const auto begun = std::chrono::steady_clock::now();
  CAF_CHECK(dial_name("wiki.corp").has_value());
  CAF_CHECK(std::chrono::steady_clock::now() - begun < 5s);
  CAF_CHECK_EQUAL(name_resolver::of(home).preferred("wiki.corp").to_string(), "127.0.0.1");
}

CAF_TEST(an address that is silent does not hold up the next) {
  // TEST-NET-1 (RFC 5737): nothing answers there, or it is refused at once.
  answer({addresses({"192.0.2.1", "127.0.0.1"}), {}, false});
  const auto begun = std::chrono::steady_clock::now();
  CAF_CHECK(dial_name("wiki.corp").has_value());
  CAF_CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

CAF_TEST(a name without addresses is said to be that) {
  answer({{}, "no such name", false});
  const auto got = dial_name("wiki.corp");
  CAF_REQUIRE(!got.has_value());
  CAF_CHECK_EQUAL(got.error().cause, "name_unresolved");
  CAF_CHECK(got.error().detail.find("no such name") != std::string::npos);
}

CAF_TEST(a name server that does not answer costs no more than the time for the connection) {
  auto release = std::make_shared<std::promise<void>>();
  auto released = std::make_shared<std::shared_future<void>>(release->get_future());
  name_resolver::of(home).use([released](const std::string&) {
    released->wait();
    return name_answer{};
  });
  const auto got = dial_name("wiki.corp", 100ms);
  release->set_value();
  CAF_REQUIRE(!got.has_value());
  CAF_CHECK_EQUAL(got.error().cause, "connect_timeout");
}

CAF_TEST(refused everywhere is refused) {
  answer({addresses({"127.0.0.1", "::1"}), {}, false});
  acceptor.close();
  tcp_acceptor bound{home.get_executor()};
  bound.open(asio::ip::tcp::v4());
  bound.bind({asio::ip::address_v4::loopback(), 0});
  dial_target target{
      .host = "wiki.corp", .port = bound.local_endpoint().port(), .tls = nullptr, .address = {}};
  std::optional<result<transport>> got;
  start(home, [&]() -> awaitable<void> { got.emplace(co_await dial(home, target, 10s)); });
  CAF_REQUIRE(run_until(home, [&] { return got.has_value(); }));
  CAF_CHECK_EQUAL(got->error().cause, "connection_refused");
}

CAF_TEST_FIXTURE_SCOPE_END()
