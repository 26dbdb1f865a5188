#define CAF_SUITE connection_budget

#include "edge/connection_budget.hpp"

#include "runtime/descriptors.hpp"

#include <caf/test/unit_test.hpp>

#include <sys/resource.h>

using namespace postern::edge;

CAF_TEST(a tenth of the descriptors stays for tunnels and administrators) {
  const auto budget = make_connection_budget(0, 10'128);
  CAF_CHECK_EQUAL(budget.all, 10'000);
  CAF_CHECK_EQUAL(budget.users, 9'000);
}

CAF_TEST(the configuration may ask for less but not for more) {
  CAF_CHECK_EQUAL(make_connection_budget(50, 10'128).users, 50);
  CAF_CHECK_EQUAL(make_connection_budget(50, 10'128).all, 10'000);
  CAF_CHECK_EQUAL(make_connection_budget(1'000'000, 10'128).users, 9'000);
}

CAF_TEST(few descriptors leave some for users) {
  for (const uint64_t descriptors : {64u, 128u, 200u, 256u, 1'024u}) {
    const auto budget = make_connection_budget(0, descriptors);
    CAF_CHECK(budget.users > 0);
    CAF_CHECK(budget.users < budget.all);
    CAF_CHECK(budget.all < static_cast<int64_t>(descriptors));
  }
}

CAF_TEST(no limit is a limit as well) {
  const auto budget = make_connection_budget(0, UINT64_MAX);
  CAF_CHECK(budget.all > 1'000'000'000);
  CAF_CHECK(budget.users < budget.all);
}

CAF_TEST(a process raises its own limit to what it may have) {
  rlimit before{};
  CAF_REQUIRE_EQUAL(::getrlimit(RLIMIT_NOFILE, &before), 0);
  auto small = before;
  small.rlim_cur = 256;
  CAF_REQUIRE_EQUAL(::setrlimit(RLIMIT_NOFILE, &small), 0);
  CAF_CHECK_EQUAL(postern::runtime::raise_descriptor_limit(), before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}
