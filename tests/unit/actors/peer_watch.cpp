#define CAF_SUITE peer_watch
#include "actors/peer_watch.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::actors;

CAF_TEST(a peer that speaks is left alone) {
  peer_watch w;
  for (int i = 0; i < 100; ++i) {
    CAF_CHECK(w.tick() == heartbeat_step::none);
    w.heard();
  }
}

CAF_TEST(a silent peer is asked and then leaves the rotation within three seconds) {
  using namespace std::chrono_literals;
  peer_watch w;
  CAF_CHECK(w.tick() == heartbeat_step::none);
  for (unsigned i = ping_after_ticks; i < silent_after_ticks; ++i)
    CAF_CHECK(w.tick() == heartbeat_step::ping);
  CAF_CHECK(w.tick() == heartbeat_step::silent);
  CAF_CHECK(w.silent());
  CAF_CHECK(silent_after_ticks * heartbeat_tick < 3s);
  CAF_CHECK(w.tick() == heartbeat_step::ping);
}

CAF_TEST(a peer that is heard again comes back) {
  peer_watch w;
  while (w.tick() != heartbeat_step::silent) {
  }
  w.heard();
  CAF_CHECK(w.silent());
  CAF_CHECK(w.tick() == heartbeat_step::back);
  CAF_CHECK(!w.silent());
  CAF_CHECK(w.tick() == heartbeat_step::ping);
}

CAF_TEST(a peer that stays silent is given up) {
  peer_watch w;
  unsigned ticks = 1;
  while (w.tick() != heartbeat_step::give_up)
    ++ticks;
  CAF_CHECK_EQUAL(ticks, give_up_after_ticks);
}
