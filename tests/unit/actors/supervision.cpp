#define CAF_SUITE supervision
#include "actors/supervision.hpp"

#include "tests/unit/actors/store_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

/// Every child is one idle actor of the fixture.
struct supervision_fixture : fixture {
  std::vector<caf::actor> actors;
  supervision subject;
  supervision::time_point now{};

  supervision_fixture() {
    for (size_t i = 0; i < child_count; ++i)
      actors.push_back(
          own(sys.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; })));
    for (const auto c : subject.ready_to_start())
      begin(c);
  }

  void begin(child c) { subject.started(c, address(c), now); }
  caf::actor_addr address(child c) const { return actors[static_cast<size_t>(c)].address(); }
  supervision::aftermath end(child c) { return subject.ended(address(c), now); }
};

using list = std::vector<child>;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(supervision_tests, supervision_fixture)

CAF_TEST(who holds a handle depends on its actor) {
  CAF_CHECK(depends_on(child::authority, child::store));
  CAF_CHECK(depends_on(child::authority, child::connectors));
  CAF_CHECK(depends_on(child::connectors, child::configuration));
  CAF_CHECK(!depends_on(child::tokens, child::store));
  CAF_CHECK(!depends_on(child::store, child::authority));
  CAF_CHECK(!depends_on(child::sessions, child::configuration));
}

CAF_TEST(nobody starts before those it depends on) {
  for (size_t i = 0; i < child_count; ++i)
    for (size_t j = i; j < child_count; ++j)
      CAF_CHECK(!depends_on(static_cast<child>(i), static_cast<child>(j)));
}

CAF_TEST(a crash stops those above it from the top) {
  const auto after = end(child::configuration);
  CAF_CHECK(after.crashed == child::configuration);
  CAF_CHECK((after.stop == list{child::cluster, child::authority, child::connectors}));
  CAF_CHECK(subject.phase_of(child::sessions) == child_phase::running);
}

CAF_TEST(the restart waits for the pause and for all who end) {
  end(child::connectors);
  CAF_CHECK(subject.ready_to_start().empty());
  subject.pause_over();
  CAF_CHECK(subject.ready_to_start().empty());
  CAF_CHECK(!end(child::authority).crashed);
  CAF_CHECK(subject.ready_to_start().empty());
  CAF_CHECK(!end(child::cluster).crashed);
  CAF_CHECK(
      (subject.ready_to_start() == list{child::connectors, child::authority, child::cluster}));
}

CAF_TEST(pauses double up to a cap and settle again) {
  std::vector<std::chrono::milliseconds> pauses;
  for (int i = 0; i < 9; ++i) {
    pauses.push_back(end(child::tokens).pause);
    subject.pause_over();
    begin(child::tokens);
  }
  CAF_CHECK(pauses[0] == first_restart_pause);
  CAF_CHECK(pauses[1] == 2 * first_restart_pause);
  CAF_CHECK(pauses[8] == longest_restart_pause);
  now += settled_after;
  CAF_CHECK(end(child::tokens).pause == first_restart_pause);
}

CAF_TEST(an address of nobody changes nothing) {
  const auto after = subject.ended({}, now);
  CAF_CHECK(!after.crashed);
  CAF_CHECK(!subject.all_down());
}

CAF_TEST(the shut down goes from the top one by one) {
  list order;
  while (const auto next = subject.next_to_stop()) {
    CAF_CHECK(!subject.next_to_stop());
    order.push_back(*next);
    end(*next);
  }
  CAF_CHECK((order == list{child::cluster, child::authority, child::connectors, child::sessions,
                           child::tokens, child::configuration, child::audit, child::store}));
  CAF_CHECK(subject.all_down());
}

CAF_TEST_FIXTURE_SCOPE_END()
