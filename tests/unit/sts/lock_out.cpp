#define CAF_SUITE lock_out
#include "sts/lock_out.hpp"

#include "sts/limits.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using std::chrono::seconds;

namespace {

struct fixture {
  postern::runtime::manual_wall_clock clock{postern::runtime::from_unix_seconds(1'700'000'000)};
  lock_out guard{clock};
  int addresses = 0;

  /// An attempt from an address that was never seen.
  long wait_for_name(const std::string& name) {
    return guard.begin(name, "host" + std::to_string(addresses++)).count();
  }
  long wait_for_address(const std::string& address) {
    return guard.begin("user" + std::to_string(addresses++), address).count();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(lock_out_tests, fixture)

CAF_TEST(five attempts are free and the delay doubles from then on) {
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(wait_for_name("ada"), 0);
  for (long expected : {1, 2, 4, 8, 16}) {
    CAF_CHECK_EQUAL(wait_for_name("ada"), expected);
    clock.advance(seconds{expected});
    CAF_CHECK_EQUAL(wait_for_name("ada"), 0);
  }
}

CAF_TEST(the delay stops growing) {
  long longest = 0;
  for (int i = 0; i < 60; ++i) {
    auto wait = wait_for_name("ada");
    longest = std::max(longest, wait);
    clock.advance(seconds{wait});
  }
  CAF_CHECK_EQUAL(longest, limits::longest_delay.count());
}

CAF_TEST(an attempt while blocked does not count) {
  for (int i = 0; i < 5; ++i)
    wait_for_name("ada");
  for (int i = 0; i < 100; ++i)
    CAF_CHECK_EQUAL(wait_for_name("ada"), 1);
}

CAF_TEST(names differ in nothing but letters of another case) {
  for (int i = 0; i < 5; ++i)
    wait_for_name(i % 2 ? "Ada" : "aDA");
  CAF_CHECK_EQUAL(wait_for_name("ada"), 1);
  CAF_CHECK_EQUAL(wait_for_name("adb"), 0);
}

CAF_TEST(an address is blocked for every name) {
  for (unsigned i = 0; i < limits::failures_of_address; ++i)
    CAF_CHECK_EQUAL(wait_for_address("203.0.113.7"), 0);
  CAF_CHECK_EQUAL(wait_for_address("203.0.113.7"), 1);
  CAF_CHECK_EQUAL(wait_for_address("203.0.113.8"), 0);
}

CAF_TEST(an office whose people mistype now and then is not shut out) {
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(wait_for_address("203.0.113.7"), 0);
  CAF_CHECK_EQUAL(wait_for_address("203.0.113.7"), 0);
}

CAF_TEST(success clears the name and takes one failure from the address) {
  for (unsigned i = 0; i < limits::failures_of_address - 5; ++i)
    wait_for_address("203.0.113.7");
  for (int i = 0; i < 5; ++i)
    guard.begin("ada", "203.0.113.7");
  guard.succeeded("ada", "203.0.113.7");
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(wait_for_name("ada"), 0);
  CAF_CHECK_EQUAL(wait_for_address("203.0.113.7"), 0);
  CAF_CHECK_EQUAL(wait_for_address("203.0.113.7"), 1);
}

CAF_TEST(failures are forgiven with time) {
  for (int i = 0; i < 4; ++i)
    wait_for_name("ada");
  clock.advance(2 * limits::forgive_name_after);
  for (int i = 0; i < 3; ++i)
    CAF_CHECK_EQUAL(wait_for_name("ada"), 0);
  CAF_CHECK_EQUAL(wait_for_name("ada"), 1);
}

CAF_TEST(a clock that steps back forgives nothing) {
  for (int i = 0; i < 4; ++i)
    wait_for_name("ada");
  clock.advance(-std::chrono::hours{5});
  CAF_CHECK_EQUAL(wait_for_name("ada"), 0);
  CAF_CHECK_EQUAL(wait_for_name("ada"), 1);
}

CAF_TEST(an IPv6 sender counts as its network and a mapped one as IPv4) {
  CAF_CHECK_EQUAL(sender_of("2001:db8:1:2:3:4:5:6"), sender_of("2001:db8:1:2::1"));
  CAF_CHECK_NOT_EQUAL(sender_of("2001:db8:1:2::1"), sender_of("2001:db8:1:3::1"));
  CAF_CHECK_EQUAL(sender_of("::ffff:203.0.113.7"), "203.0.113.7");
  CAF_CHECK_EQUAL(sender_of("203.0.113.7"), "203.0.113.7");
  CAF_CHECK_EQUAL(sender_of("unix"), "unix");
}

CAF_TEST(an address that is blocked cannot push a blocked name out of memory) {
  for (int i = 0; i < 5; ++i)
    wait_for_name("ada");
  for (unsigned i = 0; i < limits::failures_of_address; ++i)
    wait_for_address("203.0.113.7");
  for (size_t i = 0; i <= limits::lock_out_entries; ++i)
    guard.begin("n" + std::to_string(i), "203.0.113.7");
  CAF_CHECK_EQUAL(wait_for_name("ada"), 1);
  CAF_CHECK_EQUAL(wait_for_address("203.0.113.7"), 1);
}

CAF_TEST(a name that is blocked remembers nobody who tries it) {
  for (unsigned i = 0; i < limits::failures_of_address; ++i)
    wait_for_address("203.0.113.7");
  for (int i = 0; i < 5; ++i)
    wait_for_name("ada");
  for (size_t i = 0; i <= limits::lock_out_entries; ++i)
    wait_for_name("ada");
  CAF_CHECK_EQUAL(wait_for_address("203.0.113.7"), 1);
}

CAF_TEST(whoever is blocked twice waits for the longer of both) {
  for (int i = 0; i < 6; ++i) {
    wait_for_name("ada");
    if (i == 4) clock.advance(seconds{1});
  }
  for (unsigned i = 0; i < limits::failures_of_address; ++i)
    wait_for_address("203.0.113.7");
  CAF_CHECK_EQUAL(guard.begin("ada", "203.0.113.7").count(), 2);
}

CAF_TEST(memory is bounded and the least recent entry goes first) {
  for (int i = 0; i < 5; ++i)
    guard.begin("ada", "203.0.113.7");
  for (size_t i = 0; i < limits::lock_out_entries / 2 - 1; ++i)
    guard.begin("n" + std::to_string(i), "a" + std::to_string(i));
  CAF_CHECK_EQUAL(guard.begin("ada", "203.0.113.7").count(), 1);
  for (size_t i = 0; i < limits::lock_out_entries / 2; ++i)
    guard.begin("m" + std::to_string(i), "b" + std::to_string(i));
  CAF_CHECK_EQUAL(guard.begin("ada", "203.0.113.7").count(), 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
