#define CAF_SUITE origin_pool

#include "connector/origin_pool.hpp"

#include "runtime/limits.hpp"
#include "tests/unit/connector/loopback.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::connector;
using namespace std::chrono_literals;

namespace {

struct fixture {
  postern::runtime::shard home{0};
  postern::test::loopback network{home};
  origin_pool pool{home};

  /// Puts a connection into the pool and returns the origin's end of it.
  postern::runtime::tcp_socket put(uint64_t id) {
    auto [ours, theirs] = network.connect();
    pool.put(id, std::move(ours));
    return std::move(theirs);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(origin_pool_tests, fixture)

CAF_TEST(a connection is used again by its own origin only) {
  const auto theirs = put(1);
  CAF_CHECK(!pool.take(2, 1h));
  CAF_CHECK(pool.take(1, 1h));
  CAF_CHECK(!pool.take(1, 1h));
}

CAF_TEST(the connection that was used last comes first) {
  auto first = put(1);
  auto second = put(1);
  auto taken = pool.take(1, 1h);
  CAF_REQUIRE(taken);
  CAF_CHECK(taken->socket().local_endpoint() == second.remote_endpoint());
}

CAF_TEST(a connection that the origin has closed is not taken) {
  auto open = put(1);
  auto closed = put(1);
  closed.close();
  auto taken = pool.take(1, 1h);
  CAF_REQUIRE(taken);
  CAF_CHECK(taken->socket().local_endpoint() == open.remote_endpoint());
  CAF_CHECK_EQUAL(pool.size(), 0u);
}

CAF_TEST(a connection with bytes that nobody asked for is not taken) {
  auto theirs = put(1);
  theirs.send(boost::asio::buffer("HTTP/1.1 408", 12));
  CAF_CHECK(!pool.take(1, 1h));
}

CAF_TEST(a connection that has rested for too long stays) {
  const auto theirs = put(1);
  CAF_CHECK(!pool.take(1, -1ms));
  CAF_CHECK_EQUAL(pool.size(), 1u);
}

CAF_TEST(there is a bound) {
  std::vector<postern::runtime::tcp_socket> others;
  for (size_t i = 0; i < postern::runtime::limits::origin_idle_connections + 3; ++i)
    others.push_back(put(1));
  CAF_CHECK_EQUAL(pool.size(), postern::runtime::limits::origin_idle_connections);
}

CAF_TEST(connections to origins of an older configuration are closed) {
  postern::actors::connector_configuration from;
  from.applications.resize(1);
  from.applications[0].name = "wiki";
  from.applications[0].internal_url = "http://wiki.corp/";
  const auto table = origin_table::make(from, {}, {}, nullptr);
  const auto current = table->find("wiki")->id;
  const auto kept = put(current);
  const auto gone = put(current + 1);
  pool.retain(*table);
  CAF_CHECK_EQUAL(pool.size(), 1u);
  CAF_CHECK(pool.take(current, 1h));
}

CAF_TEST_FIXTURE_SCOPE_END()
