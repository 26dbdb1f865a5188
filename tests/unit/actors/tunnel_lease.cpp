#define CAF_SUITE tunnel_lease
#include "actors/tunnel_lease.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::actors;
using namespace std::chrono_literals;
using step = tunnel_lease::step;

namespace {

const actor_time start{std::chrono::hours{1}};

/// Beats until `end`, hearing nothing; returns the last step.
step beat_until(tunnel_lease& l, actor_time from, actor_time end) {
  auto last = step::none;
  for (auto t = from + heartbeat_tick; t <= end; t += heartbeat_tick) {
    last = l.on_beat(t);
    if (last == step::ping) l.ping();
  }
  return last;
}

}  // namespace

CAF_TEST(the lease holds while the node is heard) {
  tunnel_lease l{start};
  for (auto t = start; t < start + 60s; t += 1s) {
    CAF_CHECK(l.on_heard(t) == step::none);
    CAF_CHECK(l.holds(t + 1'499ms));
    beat_until(l, t, t + 1s);
  }
}

CAF_TEST(the lease ends with a silence and comes back with the answer to a ping) {
  tunnel_lease l{start};
  CAF_CHECK(beat_until(l, start, start + 2s) == step::ping);
  CAF_CHECK(!l.holds(start + 2s));
  CAF_CHECK(l.on_heard(start + 2s) == step::ping);
  const auto probe = l.ping();
  CAF_CHECK(!l.holds(start + 2s));
  // Answers to earlier pings say nothing: they may have been on their way for long.
  for (uint64_t i = 1; i < probe; ++i) {
    l.on_ping_answer();
    CAF_CHECK(!l.holds(start + 2s));
  }
  l.on_ping_answer();
  CAF_CHECK(l.holds(start + 2s));
}

CAF_TEST(a process that stood still has no lease until a fresh ping is answered) {
  tunnel_lease l{start};
  l.on_heard(start);
  const auto thaw = start + 10s;
  CAF_CHECK(!l.holds(thaw));
  // Whichever comes first: the timer or what lay in the socket.
  tunnel_lease timer_first = l;
  CAF_CHECK(timer_first.on_beat(thaw) == step::ping);
  timer_first.ping();
  CAF_CHECK(timer_first.on_heard(thaw) == step::ping);
  timer_first.ping();
  timer_first.on_ping_answer();
  CAF_CHECK(!timer_first.holds(thaw));
  timer_first.on_ping_answer();
  CAF_CHECK(timer_first.holds(thaw));
  CAF_CHECK(l.on_heard(thaw) == step::ping);
  CAF_CHECK(!l.holds(thaw));
}

CAF_TEST(standing still is not the silence of the node) {
  tunnel_lease l{start};
  CAF_CHECK(l.on_beat(start + 60s) == step::ping);
  CAF_CHECK(l.on_beat(start + 60s + heartbeat_tick) != step::give_up);
}

CAF_TEST(a node that stays silent is given up) {
  tunnel_lease l{start};
  CAF_CHECK(beat_until(l, start, start + node_lost_after - heartbeat_tick) == step::ping);
  CAF_CHECK(l.on_beat(start + node_lost_after) == step::give_up);
}

CAF_TEST(numbers of pings tell which was answered) {
  tunnel_lease l{start};
  const auto first = l.ping();
  const auto second = l.ping();
  l.on_ping_answer();
  CAF_CHECK(l.answered(first));
  CAF_CHECK(!l.answered(second));
}
