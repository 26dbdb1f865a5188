#define CAF_SUITE instance_watch
#include "actors/instance_watch.hpp"

#include "tests/unit/actors/connector_fixture.hpp"

using namespace postern::actors;
using namespace std::chrono_literals;

namespace {

struct watched {
  instance_watch watch;
  actor_time now{std::chrono::hours{1}};

  bool acts(const std::string& instance, std::chrono::seconds later = 0s) {
    now += later;
    return watch.on_activity(instance, now).has_value();
  }
  /// A tunnel comes up, which is an activity too.
  bool opens(const std::string& instance, std::chrono::seconds later = 0s) {
    const auto alarm = acts(instance, later);
    watch.on_tunnel_opened(instance, now);
    return alarm;
  }
  void closes(const std::string& instance) { watch.on_tunnel_closed(instance); }
  bool duplicate() const { return watch.duplicate(now); }
};

}  // namespace

CAF_TEST(one process is no alarm however often it acts) {
  watched w;
  for (int i = 0; i < 100; ++i)
    CAF_CHECK(!w.acts("a", 20s));
  CAF_CHECK(!w.duplicate());
}

CAF_TEST(a restart is no alarm) {
  watched w;
  w.opens("a");
  w.acts("a", 20s);
  w.closes("a");
  CAF_CHECK(!w.opens("b", 1s));
  for (int i = 0; i < 20; ++i)
    CAF_CHECK(!w.acts("b", 20s));
  CAF_CHECK(!w.duplicate());
}

CAF_TEST(a restart whose old tunnels linger is no alarm) {
  watched w;
  w.opens("a");
  CAF_CHECK(!w.opens("b", 1s));
  CAF_CHECK(!w.acts("b", 25s));
  w.closes("a");
  CAF_CHECK(!w.acts("b", 60s));
  CAF_CHECK(!w.duplicate());
}

CAF_TEST(ten restarts in a row are no alarm) {
  watched w;
  for (int i = 0; i < 10; ++i) {
    const auto id = std::to_string(i);
    CAF_CHECK(!w.opens(id, 3s));
    CAF_CHECK(!w.acts(id, 1s));
    w.closes(id);
  }
}

CAF_TEST(an old process that acts after a new one began is an alarm once) {
  watched w;
  w.acts("a");
  w.acts("b", 5s);
  CAF_CHECK(!w.duplicate());
  CAF_CHECK(w.acts("a", 20s));
  CAF_CHECK(w.duplicate());
  for (int i = 0; i < 10; ++i) {
    CAF_CHECK(!w.acts("b", 15s));
    CAF_CHECK(!w.acts("a", 15s));
  }
  CAF_CHECK(w.duplicate());
}

CAF_TEST(the pair names the older one first) {
  watched w;
  w.acts("z");
  w.acts("b", 1s);
  const auto pair = w.watch.on_activity("z", w.now + 1s);
  CAF_REQUIRE(pair.has_value());
  CAF_CHECK_EQUAL(pair->first, "z");
  CAF_CHECK_EQUAL(pair->second, "b");
}

CAF_TEST(two that only hold tunnels are an alarm after a while) {
  watched w;
  w.opens("a");
  w.opens("b", 5s);
  CAF_CHECK(!w.acts("b", tunnel_overlap - 1s));
  CAF_CHECK(w.acts("b", 1s));
  CAF_CHECK(w.duplicate());
}

CAF_TEST(the flag ends with one of the two) {
  watched w;
  w.acts("a");
  w.acts("b", 5s);
  CAF_CHECK(w.acts("a", 5s));
  w.acts("b", instance_memory);
  CAF_CHECK(w.duplicate());
  w.acts("b", 1s);
  CAF_CHECK(!w.duplicate());
}

CAF_TEST(a pair that is evident again is an alarm again) {
  watched w;
  w.acts("a");
  w.acts("b", 5s);
  CAF_CHECK(w.acts("a", 5s));
  w.acts("b", 2 * instance_memory);
  CAF_CHECK(!w.acts("a", 1s));
  CAF_CHECK(w.acts("b", 1s));
}

CAF_TEST(a third process is another pair) {
  watched w;
  w.acts("a");
  w.acts("b", 1s);
  CAF_CHECK(w.acts("a", 1s));
  w.acts("c", 1s);
  CAF_CHECK(w.acts("a", 1s));
  CAF_CHECK(w.acts("b", 1s));
  CAF_CHECK(!w.acts("a", 1s));
}

CAF_TEST(a flood of instances stays bounded and does not forget who acts) {
  watched w;
  for (int i = 0; i < 1'000; ++i)
    w.acts(std::to_string(i));
  CAF_CHECK(!w.acts("999"));
  w.acts("fresh", 1s);
  CAF_CHECK(w.acts("999", 1s));
}

CAF_TEST(who does not say its instance is not watched) {
  watched w;
  w.acts("");
  w.acts("b", 1s);
  CAF_CHECK(!w.acts("", 1s));
  CAF_CHECK(!w.duplicate());
}
