#define CAF_SUITE restart_patience
#include "actors/restart_patience.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::actors;
using namespace std::chrono_literals;
using postern::runtime::error;
using postern::runtime::error_category;

namespace {

const error crash{error_category::unavailable, "actor_down", "service", "a part has gone"};
const auto begin = restart_patience::time_point{} + 1h;

}  // namespace

CAF_TEST(an actor that has crashed is waited for and no other failure) {
  restart_patience p;
  CAF_CHECK(p.allows(crash, begin, begin));
  CAF_CHECK(p.allows({error_category::unavailable, "queue_ended", "service", {}}, begin, begin));
  CAF_CHECK(!p.allows({error_category::timeout, "no_connector", "group", {}}, begin, begin));
}

CAF_TEST(patience ends when nobody has been there for ten seconds) {
  restart_patience p;
  auto now = begin;
  for (; now < begin + longest_restart_wait; now += pause_between_attempts)
    CAF_REQUIRE(p.allows(crash, now, now));
  CAF_CHECK(!p.allows(crash, now, now));
}

CAF_TEST(a long wait that a crash ends has cost no patience) {
  restart_patience p;
  CAF_CHECK(p.allows(crash, begin, begin + 60s));
  CAF_CHECK(p.allows(crash, begin + 69s, begin + 69s));
  CAF_CHECK(!p.allows(crash, begin + 70s, begin + 70s));
}

CAF_TEST(a crash after the next actor has lived is another crash) {
  restart_patience p;
  CAF_CHECK(p.allows(crash, begin, begin));
  CAF_CHECK(p.allows(crash, begin + 1s, begin + 9s));
  CAF_CHECK(p.allows(crash, begin + 18s, begin + 18s));
  CAF_CHECK(!p.allows(crash, begin + 19s, begin + 19s));
}
