#define CAF_SUITE traffic_limits
#include "edge/traffic_limits.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;
using namespace std::chrono_literals;

namespace {

struct fixture {
  config::limit_options options;
  edge::traffic_limits limits{options};
  edge::traffic_limits::time_point now{};

  int burst(std::string_view address, int most = 1'000) {
    int n = 0;
    while (n < most && limits.take_of_address(address, now))
      ++n;
    return n;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(traffic_limits_tests, fixture)

CAF_TEST(without limits everything passes) {
  CAF_CHECK_EQUAL(burst("192.0.2.1"), 1'000);
  for (int i = 0; i < 1'000; ++i)
    CAF_REQUIRE(limits.open_connection("192.0.2.1"));
  CAF_CHECK(limits.take_of_application("a", now));
}

CAF_TEST(an address gets its requests of a second and then as many as time gives) {
  options.requests_per_address = 10;
  CAF_CHECK_EQUAL(burst("192.0.2.1"), 10);
  CAF_CHECK_EQUAL(burst("192.0.2.2"), 10);
  now += 300ms;
  CAF_CHECK_EQUAL(burst("192.0.2.1"), 3);
  now += 1h;
  CAF_CHECK_EQUAL(burst("192.0.2.1"), 10);
}

CAF_TEST(applications have a limit of their own) {
  options.requests_per_application = 2;
  CAF_CHECK(limits.take_of_application("a", now));
  CAF_CHECK(limits.take_of_application("a", now));
  CAF_CHECK(!limits.take_of_application("a", now));
  CAF_CHECK(limits.take_of_application("b", now));
  CAF_CHECK_EQUAL(burst("192.0.2.1"), 1'000);
}

CAF_TEST(connections are given back) {
  options.connections_per_address = 2;
  CAF_CHECK(limits.open_connection("192.0.2.1"));
  CAF_CHECK(limits.open_connection("192.0.2.1"));
  CAF_CHECK(!limits.open_connection("192.0.2.1"));
  CAF_CHECK(limits.open_connection("192.0.2.2"));
  limits.close_connection("192.0.2.1");
  CAF_CHECK(limits.open_connection("192.0.2.1"));
  CAF_CHECK(!limits.open_connection("192.0.2.1"));
}

CAF_TEST(a network of IPv6 counts as one) {
  options.requests_per_address = 3;
  CAF_CHECK_EQUAL(edge::limited_network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  CAF_CHECK_EQUAL(edge::limited_network("192.0.2.1"), "192.0.2.1");
  CAF_CHECK_EQUAL(burst("2001:db8:1:2::1"), 3);
  CAF_CHECK_EQUAL(burst("2001:db8:1:2::2"), 0);
  CAF_CHECK_EQUAL(burst("2001:db8:1:3::1"), 3);
}

CAF_TEST(an attack from everywhere does not fill the memory) {
  options.requests_per_address = 1;
  for (int i = 0; i < 300'000; ++i) {
    const auto address = "10." + std::to_string(i / 65'536) + "." + std::to_string(i / 256 % 256) +
                         "." + std::to_string(i % 256);
    CAF_REQUIRE(limits.take_of_address(address, now));
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
