#define CAF_SUITE device_grants
// Device grants of several nodes on one store; those of one node are tested by device_endpoint.
#include "sts/device_grants.hpp"

#include "tests/unit/sts/failing_store.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using postern::sts::testing::failing_store;
namespace rt = postern::runtime;

namespace {

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{5};
  std::shared_ptr<rt::store> store = rt::make_memory_store();
  failing_store seen_here{store};
  failing_store seen_there{store};
  options settings;
  device_grants here{settings, clock, random, &seen_here};
  device_grants there{settings, clock, random, &seen_there};
  const session ada{"ada", 1'699'999'999, "sid"};

  device_grants::started begin() {
    auto started = here.start("posternctl", "openid", "192.0.2.7");
    CAF_REQUIRE(started.has_value());
    clock.advance(std::chrono::seconds{5});
    return *started;
  }
  std::string poll(device_grants& at, const device_grants::started& started) {
    const auto answer = at.poll(started.device_code, "posternctl");
    return answer ? "allowed " + answer->who.user : answer.error().code;
  }
  /// As a device that keeps to its interval.
  std::string poll_later(device_grants& at, const device_grants::started& started) {
    clock.advance(std::chrono::seconds{5});
    return poll(at, started);
  }
  size_t stored() { return store->load("sts_device_grant").value().size(); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(device_grants_tests, fixture)

CAF_TEST(a grant begun at one node is decided at another and told once) {
  const auto started = begin();
  CAF_CHECK_EQUAL(poll(there, started), "authorization_pending");
  clock.advance(std::chrono::seconds{5});
  CAF_REQUIRE(there.find(started.user_code).has_value());
  CAF_CHECK(there.decide(started.user_code, ada));
  clock.advance(std::chrono::seconds{5});
  CAF_CHECK_EQUAL(poll(here, started), "allowed ada");
  CAF_CHECK_EQUAL(stored(), 0u);
  clock.advance(std::chrono::seconds{5});
  CAF_CHECK_EQUAL(poll(there, started), "invalid_grant");
  CAF_CHECK_EQUAL(poll(here, started), "invalid_grant");
}

CAF_TEST(of two nodes that are asked at once one tells) {
  const auto started = begin();
  CAF_CHECK(here.decide(started.user_code, ada));
  clock.advance(std::chrono::seconds{5});
  // Both have read the store before either takes it.
  static_cast<void>(here.find(started.user_code));
  static_cast<void>(there.find(started.user_code));
  CAF_CHECK_EQUAL(poll(there, started), "allowed ada");
  CAF_CHECK_EQUAL(poll(here, started), "invalid_grant");
}

CAF_TEST(of two decisions the first counts) {
  const auto started = begin();
  static_cast<void>(there.find(started.user_code));
  CAF_CHECK(here.decide(started.user_code, std::nullopt));
  CAF_CHECK(!there.decide(started.user_code, ada));
  // Before the node has read the store again.
  CAF_CHECK_EQUAL(poll(there, started), "authorization_pending");
  CAF_CHECK_EQUAL(poll_later(there, started), "access_denied");
}

CAF_TEST(a decision during an outage is told anywhere once the store is back) {
  const auto started = begin();
  seen_here.broken = true;
  CAF_CHECK(here.decide(started.user_code, ada));
  CAF_CHECK(!here.find(started.user_code));
  CAF_CHECK_EQUAL(poll(here, started), "authorization_pending");
  CAF_CHECK_EQUAL(poll_later(here, started), "authorization_pending");
  seen_here.broken = false;
  clock.advance(std::chrono::seconds{5});
  CAF_CHECK(!here.find(started.user_code));
  CAF_CHECK_EQUAL(poll(there, started), "allowed ada");
  CAF_CHECK_EQUAL(poll_later(here, started), "invalid_grant");
}

CAF_TEST(a refusal during an outage is told where it was taken) {
  const auto started = begin();
  seen_here.broken = true;
  CAF_CHECK(here.decide(started.user_code, std::nullopt));
  seen_here.broken = false;
  CAF_CHECK_EQUAL(poll_later(here, started), "access_denied");
  CAF_CHECK_EQUAL(stored(), 0u);
}

CAF_TEST(a decision waits for the store and is then told once) {
  const auto started = begin();
  CAF_CHECK(here.decide(started.user_code, ada));
  seen_here.broken = true;
  CAF_CHECK_EQUAL(poll_later(here, started), "authorization_pending");
  CAF_CHECK_EQUAL(poll_later(here, started), "authorization_pending");
  seen_here.broken = false;
  CAF_CHECK_EQUAL(poll_later(here, started), "allowed ada");
  CAF_CHECK_EQUAL(poll_later(here, started), "invalid_grant");
}

CAF_TEST(a decision during an outage gives way to one that the store has) {
  const auto started = begin();
  seen_here.broken = true;
  CAF_CHECK(here.decide(started.user_code, ada));
  CAF_CHECK(there.decide(started.user_code, std::nullopt));
  seen_here.broken = false;
  CAF_CHECK_EQUAL(poll_later(here, started), "access_denied");
}

CAF_TEST(a decision that the store has without having said so is told) {
  const auto started = begin();
  seen_here.lose_answer = true;
  CAF_CHECK(here.decide(started.user_code, ada));
  seen_here.lose_answer = false;
  // Before the node has read the store again.
  CAF_CHECK_EQUAL(poll(here, started), "authorization_pending");
  CAF_CHECK_EQUAL(poll_later(here, started), "allowed ada");
}

CAF_TEST(without the store a grant goes on where it was begun) {
  seen_here.broken = true;
  const auto started = begin();
  CAF_CHECK_EQUAL(poll(here, started), "authorization_pending");
  CAF_CHECK(here.decide(started.user_code, ada));
  CAF_CHECK_EQUAL(poll_later(here, started), "allowed ada");
  CAF_CHECK_EQUAL(poll_later(here, started), "invalid_grant");
}

CAF_TEST(grants that nobody asked for leave the store) {
  begin();
  clock.advance(2 * settings.device_code_lifetime);
  static_cast<void>(there.find("BBBB-BBBB"));
  CAF_CHECK_EQUAL(stored(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
