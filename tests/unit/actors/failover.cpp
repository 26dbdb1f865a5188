#define CAF_SUITE failover
#include "actors/failover.hpp"

#include <caf/test/dsl.hpp>

using postern::actors::failover;
using postern::actors::most_attempts;

CAF_TEST(what was not handed over goes elsewhere as often as there are attempts) {
  failover f{false};
  for (unsigned i = 1; i < most_attempts; ++i) {
    f.begin_attempt();
    CAF_CHECK(f.may_move());
  }
  f.begin_attempt();
  CAF_CHECK(!f.may_move());
}

CAF_TEST(what was handed over is not delivered a second time) {
  failover f{false};
  f.begin_attempt();
  f.hand_over(false);
  CAF_CHECK(!f.may_move());
}

CAF_TEST(what has started is not delivered a second time) {
  failover f{false};
  f.begin_attempt();
  f.origin_started();
  CAF_CHECK(!f.may_move());
}

CAF_TEST(a connector that says that it started nothing is believed) {
  failover f{false};
  f.begin_attempt();
  f.hand_over(false);
  f.refused();
  CAF_CHECK(f.may_move());
  f.begin_attempt();
  f.hand_over(false);
  CAF_CHECK(!f.may_move());
}

CAF_TEST(a repeatable request is made once more) {
  failover f{true};
  f.begin_attempt();
  CAF_CHECK(f.may_move());
  f.begin_attempt();
  CAF_CHECK(!f.may_move());
}

CAF_TEST(a refusal does not use up the second attempt of a repeatable request) {
  failover f{true};
  f.begin_attempt();
  f.refused();
  CAF_CHECK(f.may_move());
  f.begin_attempt();
  CAF_CHECK(f.may_move());
  f.begin_attempt();
  CAF_CHECK(!f.may_move());
  f.refused();
  CAF_CHECK(f.may_move());
}

CAF_TEST(content that was taken cannot be sent again) {
  failover f{true};
  f.begin_attempt();
  f.hand_over(true);
  f.refused();
  CAF_CHECK(!f.may_move());
}

CAF_TEST(nothing moves once the user has a head) {
  failover f{true};
  f.begin_attempt();
  f.response_begun();
  CAF_CHECK(!f.may_move());
}
