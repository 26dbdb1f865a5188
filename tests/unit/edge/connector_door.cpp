#define CAF_SUITE connector_door
#include "edge/connector_door.hpp"

#include "edge/node_load.hpp"
#include "tests/unit/edge/samples.hpp"
#include "tests/unit/runtime/event_loop.hpp"
#include "tests/unit/runtime/loopback_pair.hpp"

#include <boost/asio/write.hpp>
#include <caf/test/dsl.hpp>
#include <openssl/err.h>

#include <deque>

using namespace postern;
using namespace postern::edge;
using entry = connector_door::entry;

namespace {

/// What OpenSSL sends first to a server of that name.
std::string hello_for(const char* name) {
  runtime::ssl_context_ptr tls{SSL_CTX_new(TLS_client_method())};
  runtime::ssl_ptr connection{SSL_new(tls.get())};
  auto* sent = BIO_new(BIO_s_mem());
  SSL_set_bio(connection.get(), BIO_new(BIO_s_mem()), sent);
  SSL_set_tlsext_host_name(connection.get(), name);
  SSL_connect(connection.get());
  ERR_clear_error();
  char* data = nullptr;
  const auto size = BIO_get_mem_data(sent, &data);
  return {data, static_cast<size_t>(size)};
}

struct fixture {
  fixture() {
    options.names = {"connectors.example", "admin.example", "sts.example"};
    context.load = std::make_shared<node_load>();
  }
  ~fixture() {
    door.close();
    CAF_CHECK(test::run_until(home, [&] { return passed(std::nullopt) == 0; }));
  }

  using answer = std::optional<entry>;

  /// Begins to let a connection in; one that nobody else waits for may pass at once.
  answer& begin(runtime::tcp_socket& socket) {
    auto& got = answers.emplace_back();
    test::start(home, [&]() -> runtime::awaitable<void> { got = co_await door.pass(socket); });
    test::run_ready(home);
    return got;
  }
  bool ends(const answer& got) {
    return test::run_until(home, [&] { return got.has_value(); });
  }
  /// How many have passed so; none: wait.
  size_t passed(answer how) const { return static_cast<size_t>(std::ranges::count(answers, how)); }
  /// As many as come in without a look while their handshakes last; the next one is looked at.
  void rush() {
    while (begin(client.accepted) == entry::unseen)
      CAF_REQUIRE(answers.size() < 1'000);
    looked_at = &answers.back();
  }
  static void say(test::loopback_pair& ends, std::string_view text) {
    boost::asio::write(ends.dialled, boost::asio::buffer(text.data(), text.size()));
  }

  runtime::shard_pool pool{1};
  runtime::shard& home = pool.at(0);
  config::node options;
  service_urls urls = samples::make_urls();
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(1'700'000'000)};
  runtime::seeded_random_source random{5};
  edge_context context{home, pool, options, urls, clock, random, nullptr, nullptr};
  test::loopback_pair client{home}, other{home};
  std::deque<answer> answers;
  answer* looked_at = nullptr;
  connector_door door{context};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(connector_door_tests, fixture)

CAF_TEST(without a rush nobody is looked at) {
  CAF_CHECK(begin(client.accepted) == entry::unseen);  // it has said nothing
  rush();
  CAF_CHECK_EQUAL(passed(entry::unseen), actors::admission_rate::burst + 1);
  CAF_CHECK(!looked_at->has_value());
}

CAF_TEST(a handshake that was for users gives its place back) {
  rush();
  CAF_CHECK(!begin(other.accepted).has_value());
  door.shaken(entry::unseen, false);
  CAF_CHECK(begin(other.accepted) == entry::unseen);
}

CAF_TEST(users do not wait in a rush of connectors) {
  rush();
  say(client, hello_for("wiki.example"));
  CAF_REQUIRE(ends(*looked_at));
  CAF_CHECK(*looked_at == entry::user);
  say(other, "GET / HTTP/1.1\r\n\r\n");
  auto& plain = begin(other.accepted);
  CAF_REQUIRE(ends(plain));
  CAF_CHECK(plain == entry::user);
  CAF_CHECK_EQUAL(client.accepted.available(), hello_for("wiki.example").size());
}

CAF_TEST(a connector that says its hello in pieces gets its turn) {
  rush();
  const auto hello = hello_for("Connectors.Example");
  say(client, hello.substr(0, 20));
  CAF_REQUIRE(test::run_until(home, [&] { return client.accepted.available() == 20; }));
  test::run_ready(home);
  CAF_CHECK(!looked_at->has_value());
  say(client, hello.substr(20));
  CAF_REQUIRE(ends(*looked_at));
  CAF_CHECK(*looked_at == entry::turn);
}

CAF_TEST(who leaves before its hello is not let in) {
  rush();
  client.dialled.close();
  CAF_REQUIRE(ends(*looked_at));
  CAF_CHECK(*looked_at == entry::refused);
}

CAF_TEST(in a rush some connectors wait and who would wait too long is turned away) {
  rush();
  say(other, hello_for("connectors.example"));
  // The door takes nothing from a socket: one stands for all of them.
  for (int i = 0; i < 2'000; ++i)
    begin(other.accepted);
  CAF_CHECK(passed(entry::turn) >= actors::admission_rate::burst);
  const auto refused = passed(entry::refused);
  CAF_CHECK(refused > 0);
  CAF_CHECK_EQUAL(context.load->turned_away.load(), refused);
  const auto waiting = passed(std::nullopt);
  CAF_CHECK(waiting > 1);
  CAF_CHECK(context.load->deferred.load() >= waiting - 1);  // one is still looked at
  say(client, hello_for("wiki.example"));
  CAF_REQUIRE(ends(*looked_at));
  CAF_CHECK(*looked_at == entry::user);
}

CAF_TEST(a door that closes lets nobody wait and nobody in) {
  rush();
  say(other, hello_for("connectors.example"));
  for (int i = 0; i < 500; ++i)
    begin(other.accepted);
  const auto had_turn = passed(entry::turn);
  CAF_REQUIRE(had_turn < 500);
  door.close();
  test::run_ready(home);
  CAF_CHECK_EQUAL(passed(entry::turn), had_turn);
  CAF_CHECK_EQUAL(passed(entry::refused), 501 - had_turn);
  CAF_CHECK(begin(other.accepted) == entry::refused);
}

CAF_TEST_FIXTURE_SCOPE_END()
