#define CAF_SUITE tunnel
// Hello and leaving. What silence does is tested in actors/tunnel_lease.cpp.
#include "connector/tunnel.hpp"

#include "tests/unit/connector/http2_ends.hpp"
#include "tests/unit/connector/loopback.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;
using namespace postern::test;
using runtime::field_list;

namespace {

struct fixture {
  runtime::shard home{0};
  loopback network{home};
  connector::exchange_context context{home};
  connector::exchange_pool exchanges{context};
  std::vector<std::unique_ptr<noted_stream>> requests;
  http2_end node;
  const actors::tunnel_hello me{"instance-1", 7, "0.1.0"};
  int opened = 0;
  std::optional<connector::tunnel> tunnel;
  std::optional<runtime::error> ended;

  fixture() {
    actors::connector_configuration from;
    from.applications.resize(1);
    from.applications[0].name = "wiki";
    from.applications[0].internal_url = "http://wiki.corp/";
    context.origins = connector::origin_table::make(from, {}, {}, nullptr);
    auto ends = network.connect();
    node.open(home, std::move(ends.second), {});
    tunnel.emplace(context, exchanges, std::move(ends.first), me, [this] { ++opened; });
    start(home, [this]() -> runtime::awaitable<void> { ended = co_await tunnel->run(); });
  }
  ~fixture() {
    node.session->close();
    CAF_CHECK(run_until(home, [&] { return node.ended && ended; }));
    run_ready(home);
    exchanges.close();
    run_ready(home);
  }

  noted_stream& send(const char* method, const char* path, const field_list& more = {}) {
    field_list fields{
        {":method", method}, {":scheme", "https"}, {":authority", "wiki"}, {":path", path}};
    fields.insert(fields.end(), more.begin(), more.end());
    auto& one = *requests.emplace_back(std::make_unique<noted_stream>());
    CAF_REQUIRE(node.session->submit_request(one, fields, true).has_value());
    return one;
  }
  noted_stream& greet() {
    auto& hello = send("GET", "/.postern/hello");
    CAF_REQUIRE(closes(hello));
    return hello;
  }
  bool closes(const noted_stream& one) {
    return run_until(home, [&] { return one.closed.has_value(); });
  }
  /// An exchange whose origin has got its request and says nothing yet.
  noted_stream& begin_exchange(origin_end& origin) {
    auto& asked = send("GET", "/", {{"postern-application", "wiki"}});
    CAF_REQUIRE(run_until(home, [&] {
      origin.look();
      return origin.got.ends_with("\r\n\r\n");
    }));
    return asked;
  }
  origin_end idle_origin() {
    auto ends = network.connect();
    context.connections.put(context.origins->find("wiki")->id, std::move(ends.first));
    return {std::move(ends.second), {}};
  }
  bool ends() {
    return run_until(home, [&] { return ended.has_value(); });
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(tunnel_tests, fixture)

CAF_TEST(a node that says hello is told who is there) {
  const auto& hello = greet();
  CAF_CHECK_EQUAL(*hello.closed, uint32_t{NGHTTP2_NO_ERROR});
  CAF_CHECK(hello.log.starts_with("head :status=200;"));
  const auto told = actors::decode_tunnel_hello(hello.content);
  CAF_REQUIRE(told.has_value());
  CAF_CHECK(*told == me);
  CAF_CHECK_EQUAL(opened, 1);
  CAF_CHECK_EQUAL(node.session->peer_max_streams(), me.capacity);
}

CAF_TEST(after the hello every request is an exchange) {
  greet();
  auto& asked = send("GET", "/.postern/hello", {{"postern-application", "unknown"}});
  CAF_REQUIRE(closes(asked));
  CAF_CHECK(asked.log.find("postern-error=application_unknown") != std::string::npos);
  CAF_CHECK_EQUAL(opened, 1);
}

CAF_TEST(a node that begins without a hello gets nothing) {
  for (const auto& [method, path] : {std::pair{"GET", "/"}, {"POST", "/.postern/hello"}}) {
    fixture other;
    auto& asked = other.send(method, path, {{"postern-application", "wiki"}});
    CAF_REQUIRE(other.ends());
    CAF_CHECK_EQUAL(other.ended->cause, "hello_malformed");
    CAF_CHECK(other.closes(asked));
    CAF_CHECK_EQUAL(asked.log, "");
    CAF_CHECK_EQUAL(other.opened, 0);
  }
}

CAF_TEST(a connector that leaves and serves nothing is gone at once) {
  greet();
  tunnel->drain();
  CAF_CHECK(ends());
  CAF_CHECK(run_until(home, [&] { return node.ended; }));
  CAF_CHECK(node.session->going_away());
}

CAF_TEST(a connector that leaves lets what runs finish and takes nothing new) {
  auto origin = idle_origin();
  greet();
  auto& asked = begin_exchange(origin);
  tunnel->drain();
  tunnel->drain();
  CAF_REQUIRE(run_until(home, [&] { return node.session->going_away(); }));
  noted_stream late;
  const field_list fields{
      {":method", "GET"}, {":scheme", "https"}, {":authority", "wiki"}, {":path", "/"}};
  CAF_CHECK(!node.session->submit_request(late, fields, true));
  run_ready(home);
  CAF_CHECK(!ended);
  origin.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  CAF_CHECK(ends());
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_NO_ERROR});
  CAF_CHECK_EQUAL(asked.content, "hi");
}

CAF_TEST(a node that leaves keeps the tunnel until its last exchange is over) {
  auto origin = idle_origin();
  greet();
  auto& asked = begin_exchange(origin);
  node.session->go_away();
  node.session->ping();
  CAF_REQUIRE(run_until(home, [&] { return node.answers == 1; }));
  CAF_CHECK(!ended);
  origin.say("HTTP/1.1 204 No Content\r\n\r\n");
  CAF_CHECK(ends());
  CAF_REQUIRE(closes(asked));
  CAF_CHECK_EQUAL(*asked.closed, uint32_t{NGHTTP2_NO_ERROR});
}

CAF_TEST(a node that is lost takes the exchanges with it) {
  auto origin = idle_origin();
  greet();
  begin_exchange(origin);
  node.session->close();
  CAF_CHECK(ends());
  CAF_CHECK(run_until(home, [&] {
    origin.look();
    return origin.ended;
  }));
}

CAF_TEST_FIXTURE_SCOPE_END()
