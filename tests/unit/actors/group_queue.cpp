#define CAF_SUITE group_queue
#include "actors/group_queue.hpp"

#include "tests/unit/actors/connector_fixture.hpp"

#include <random>

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::error_category;

namespace {

struct queue_fixture : fixture {
  group_queue_actor queue = own(sys.spawn(group_queue, std::string{"datacentre"}));
  uint64_t last_ticket = 0;

  exchange_ticket ticket(const std::string& application = "a", milliseconds patience = 10s) {
    exchange_ticket t;
    t.id = ++last_ticket;
    t.application = application;
    t.patience = patience;
    return t;
  }

  answer_ptr<dispatch> submit(exchange_ticket t) {
    return ask<dispatch>(queue, submit_atom_v, std::move(t));
  }
  answer_ptr<dispatch> submit(const std::string& application = "a", milliseconds patience = 10s) {
    return submit(ticket(application, patience));
  }

  void attach(uint64_t number, uint32_t capacity, uint32_t shard = 0) {
    tell(queue, attach_atom_v, make_tunnel(number, capacity, shard));
  }
  void release(tunnel_id id, exchange_outcome how = exchange_outcome::completed) {
    tell(queue, release_atom_v, id, how, milliseconds{10});
  }

  group_queue_state& state() {
    return deref<group_queue_actor::stateful_base<group_queue_state>>(queue).state;
  }
  milliseconds expected_wait() { return state().rate.wait_behind(0, sched.clock().now()); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(group_queue_tests, queue_fixture)

CAF_TEST(with room the answer is immediate) {
  attach(7, 1, 3);
  const auto a = submit();
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK(a->value->tunnel == (tunnel_id{3, 7}));
  CAF_CHECK_EQUAL(a->value->connector, "c1");
}

CAF_TEST(without a connector an exchange waits and names what is missing when its patience ends) {
  const auto a = submit("a", 3s);
  advance_time(2'999ms);
  consume_messages();
  CAF_CHECK(a->pending());
  advance_time(1ms);
  consume_messages();
  CAF_REQUIRE(a->failure.has_value());
  CAF_CHECK_EQUAL(a->failure->cause, "no_connector");
  CAF_CHECK(a->failure->category == error_category::timeout);
  CAF_CHECK_EQUAL(a->failure->source, "connector_group");
}

CAF_TEST(a connector that comes in time takes whoever waits) {
  const auto a = submit();
  const auto b = submit();
  const auto c = submit();
  pass(5s);
  attach(1, 2);
  CAF_CHECK(a->value.has_value());
  CAF_CHECK(b->value.has_value());
  CAF_CHECK(c->pending());
  pass(6s);
  CAF_CHECK_EQUAL(c->cause(), "queue_timeout");
}

CAF_TEST(full connections until patience ends are an overload) {
  attach(1, 1);
  submit();
  const auto a = submit("a", 2s);
  pass(2s);
  CAF_REQUIRE(a->failure.has_value());
  CAF_CHECK_EQUAL(a->failure->cause, "queue_timeout");
  CAF_CHECK(a->failure->category == error_category::overloaded);
}

CAF_TEST(no patience means no waiting) {
  CAF_CHECK_EQUAL(submit("a", 0ms)->cause(), "no_connector");
  attach(1, 1);
  CAF_CHECK(submit("a", 0ms)->value.has_value());
  CAF_CHECK_EQUAL(submit("a", 0ms)->cause(), "queue_timeout");
}

CAF_TEST(patience ends for each exchange by itself) {
  const auto slow = submit("a", 9s);
  const auto quick = submit("b", 1s);
  const auto between = submit("a", 4s);
  pass(1s);
  CAF_CHECK_EQUAL(quick->cause(), "no_connector");
  CAF_CHECK(between->pending());
  pass(3s);
  CAF_CHECK_EQUAL(between->cause(), "no_connector");
  CAF_CHECK(slow->pending());
  pass(5s);
  CAF_CHECK_EQUAL(slow->cause(), "no_connector");
}

CAF_TEST(one timer serves many deadlines) {
  for (int i = 0; i < 200; ++i)
    submit("a", 1'000ms + milliseconds{i % 10});

  const auto epoch = state().epoch;
  CAF_CHECK_EQUAL(epoch, 1u);
  pass(1'100ms, 10ms);
  CAF_CHECK_EQUAL(state().line.size(), 0u);
  CAF_CHECK(state().epoch <= epoch + 2);
}

CAF_TEST(a full line refuses only its own application) {
  for (size_t i = 0; i < largest_line; ++i)
    submit("flood");
  const auto refused = submit("flood");
  CAF_REQUIRE(refused->failure.has_value());
  CAF_CHECK_EQUAL(refused->failure->cause, "queue_full");
  CAF_CHECK(refused->failure->category == error_category::overloaded);
  CAF_CHECK(submit("other")->pending());
}

CAF_TEST(a flood of one application does not starve another) {
  attach(1, 1);
  auto running = submit("flood");
  std::vector<answer_ptr<dispatch>> flood;
  for (int i = 0; i < 500; ++i)
    flood.push_back(submit("flood"));
  const auto first = submit("quiet");
  const auto second = submit("quiet");
  const auto served = [&] {
    return std::count_if(flood.begin(), flood.end(), [](const auto& a) { return !a->pending(); });
  };
  int releases = 0;
  while (first->pending() && ++releases < 500)
    release({0, 1});
  CAF_CHECK(served() <= 1);
  while (second->pending() && ++releases < 500)
    release({0, 1});
  CAF_CHECK(served() <= 2);
}

CAF_TEST(a release hands the place to the next one) {
  attach(1, 1);
  submit();
  const auto a = submit();
  CAF_CHECK(a->pending());
  release({0, 1}, exchange_outcome::user_gone);
  CAF_CHECK(a->value.has_value());
  CAF_CHECK_EQUAL(state().board.running(), 1u);
}

CAF_TEST(who is cancelled takes no place) {
  attach(1, 1);
  submit();
  auto t = ticket();
  const auto gone = submit(t);
  const auto next = submit();
  tell(queue, cancel_atom_v, t.id);
  CAF_CHECK_EQUAL(gone->cause(), "exchange_cancelled");
  release({0, 1});
  CAF_CHECK(next->value.has_value());
}

CAF_TEST(cancelling what does not wait changes nothing) {
  attach(1, 1);
  auto t = ticket();
  submit(t);
  tell(queue, cancel_atom_v, t.id);
  tell(queue, cancel_atom_v, uint64_t{999});
  CAF_CHECK_EQUAL(state().board.running(), 1u);
}

CAF_TEST(the last connection may go while exchanges wait) {
  attach(1, 1);
  submit();
  const auto a = submit("a", 5s);
  const auto b = submit("a", 8s);
  tell(queue, detach_atom_v, tunnel_id{0, 1});
  pass(4s);
  release({0, 1}, exchange_outcome::connector_lost);
  CAF_CHECK(a->pending());
  pass(1s);
  CAF_CHECK_EQUAL(a->cause(), "no_connector");
  attach(2, 1);
  CAF_REQUIRE(b->value.has_value());
  CAF_CHECK_EQUAL(b->value->tunnel.number, 2u);
}

CAF_TEST(whoever is left waiting without a connector has one called over at once) {
  size_t calls = 0;
  const auto summoner = own(sys.spawn([&calls](summoner_actor::pointer) {
    return summoner_actor::behavior_type{[&calls](summon_atom, const std::string&) { ++calls; }};
  }));
  tell(queue, subscribe_atom_v, summoner);
  attach(1, 1);
  submit();
  const auto a = submit();
  CAF_CHECK_EQUAL(calls, 0u);
  tell(queue, detach_atom_v, tunnel_id{0, 1});
  CAF_CHECK_EQUAL(calls, 1u);
  // One that came and fell silent is called for as if it had not come.
  attach(2, 1);
  CAF_CHECK(a->value.has_value());
  submit();
  tell(queue, silent_atom_v, tunnel_id{0, 2}, true);
  CAF_CHECK_EQUAL(calls, 2u);
}

CAF_TEST(a connector is called for as long as somebody waits) {
  size_t calls = 0;
  const auto summoner = own(sys.spawn([&calls](summoner_actor::pointer) {
    return summoner_actor::behavior_type{[&calls](summon_atom, const std::string&) { ++calls; }};
  }));
  tell(queue, subscribe_atom_v, summoner);
  const auto a = submit("a", 65s);
  CAF_CHECK_EQUAL(calls, 1u);
  pass(60s);
  CAF_CHECK_EQUAL(calls, 7u);
  CAF_CHECK(a->pending());
  pass(60s);
  CAF_CHECK_EQUAL(a->cause(), "no_connector");
  CAF_CHECK_EQUAL(calls, 7u);
}

CAF_TEST(a connector that just failed the exchange is avoided) {
  attach(1, 10);
  tell(queue, attach_atom_v, make_tunnel(2, 10, 0, "c2"));
  for (int i = 0; i < 5; ++i) {
    auto t = ticket();
    t.avoid = "c1";
    CAF_CHECK(submit(t)->value->tunnel.number == 2);
  }
}

CAF_TEST(a silent connector gets nothing until it is heard again) {
  attach(1, 10);
  tell(queue, silent_atom_v, tunnel_id{0, 1}, true);
  const auto a = submit("a", 2s);
  const auto b = submit("a", 9s);
  CAF_CHECK(a->pending());
  pass(2s);
  CAF_CHECK_EQUAL(a->cause(), "no_connector");
  tell(queue, silent_atom_v, tunnel_id{0, 1}, false);
  CAF_CHECK(b->value.has_value());
}

CAF_TEST(who would wait in vain is turned away at once) {
  attach(1, 1);
  submit();
  for (int i = 0; i < 40; ++i)
    submit("flood", 60s);
  // Ten are served at one a second: thirty still wait.
  for (int i = 0; i < 10; ++i) {
    pass(1s);
    release({0, 1});
  }
  const auto late = submit("flood", 10s);
  CAF_CHECK_EQUAL(late->cause(), "queue_overload");
  CAF_CHECK(late->failure->category == error_category::overloaded);
  // Another application has its own turn, and who has time may wait.
  CAF_CHECK(submit("quiet", 10s)->pending());
  CAF_CHECK(submit("flood", 60s)->pending());
}

CAF_TEST(an idle time is not taken for slow service) {
  attach(1, 1);
  for (int round = 0; round < 12; ++round) {
    submit();
    const auto waits = submit("a", 5s);
    release({0, 1});
    CAF_CHECK(waits->value.has_value());
    release({0, 1});
    pass(60s);
  }
  submit();
  CAF_CHECK(submit("a", 5s)->pending());
}

CAF_TEST(a slow time long ago turns nobody away) {
  attach(1, 1);
  submit();
  for (int i = 0; i < 10; ++i)
    submit("slow", 300s);
  for (int i = 0; i < 10; ++i) {
    pass(20s);
    release({0, 1});
  }
  release({0, 1});
  pass(1h);
  submit();
  CAF_CHECK(submit("quick", 5s)->pending());
}

CAF_TEST(a time without a connector is not taken for slow service) {
  attach(1, 1);
  submit();
  for (int i = 0; i < 12; ++i)
    submit("a", 300s);
  for (int i = 0; i < 10; ++i) {
    pass(1s);
    release({0, 1});
  }
  CAF_CHECK(expected_wait() == 1s);
  tell(queue, detach_atom_v, tunnel_id{0, 1});
  pass(5s);
  attach(2, 1);
  CAF_CHECK_EQUAL(state().line.size(), 1u);
  CAF_CHECK(expected_wait() == 1s);
}

CAF_TEST(a time after the last who waits has gone is not taken for slow service) {
  attach(1, 1);
  submit();
  for (int i = 0; i < 10; ++i)
    submit("a", 300s);
  auto last = ticket("a", 300s);
  submit(last);
  for (int i = 0; i < 10; ++i) {
    pass(1s);
    release({0, 1});
  }
  tell(queue, cancel_atom_v, last.id);
  pass(5s);
  const auto next = submit();
  release({0, 1});
  CAF_CHECK(next->value.has_value());
  CAF_CHECK(expected_wait() == 1s);
}

CAF_TEST(all lines together are bounded) {
  for (size_t i = 0; i < largest_waiting_count; ++i)
    CAF_REQUIRE(submit("a" + std::to_string(i % 9))->pending());
  CAF_CHECK_EQUAL(submit("another")->cause(), "queue_full");
}

CAF_TEST(whoever has stopped waiting gets no place) {
  // As after a stall of the node: the asker's own patience is over when the queue gets to see it.
  attach(1, 1);
  auto late = ticket("a", 3s);
  late.asked_at = sched.clock().now() - 4s;
  CAF_CHECK_EQUAL(submit(late)->cause(), "queue_timeout");
  const auto running = submit();
  const auto waits = submit("a", 3s);
  advance_time(5s);
  // The release and the end of the patience are there together, in this order.
  tell(queue, release_atom_v, tunnel_id{0, 1}, exchange_outcome::completed, milliseconds{10});
  CAF_CHECK_EQUAL(waits->cause(), "queue_timeout");
  CAF_CHECK(submit()->value.has_value());
}

CAF_TEST(lookup counts what runs and what waits) {
  attach(1, 2);
  for (int i = 0; i < 5; ++i)
    submit();
  uint32_t running = 0;
  uint32_t waiting = 0;
  auto response = self->request(queue, 1s, lookup_atom_v);
  consume_messages();
  response.receive([&](uint32_t r, uint32_t w) { std::tie(running, waiting) = std::tie(r, w); },
                   [](const caf::error&) { CAF_FAIL("no answer"); });
  CAF_CHECK_EQUAL(running, 2u);
  CAF_CHECK_EQUAL(waiting, 3u);
}

CAF_TEST(whoever waits when the queue ends is told) {
  const auto a = submit();
  const auto b = submit("b");
  caf::anon_send_exit(queue, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK_EQUAL(a->cause(), "queue_ended");
  CAF_CHECK_EQUAL(b->cause(), "queue_ended");
}

CAF_TEST(under random load every exchange is answered once and no capacity is exceeded) {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    CAF_MESSAGE("seed " << seed);
    std::mt19937 random{seed};
    std::vector<answer_ptr<dispatch>> answers;
    std::vector<bool> released;
    const std::map<uint64_t, uint32_t> capacity{{seed * 10, 3}, {seed * 10 + 1, 5}};
    for (const auto& [number, places] : capacity)
      attach(number, places, number % 2);
    for (int step = 0; step < 600; ++step) {
      switch (random() % 5) {
        case 0:
        case 1:
          answers.push_back(
              submit("app" + std::to_string(random() % 3), milliseconds{100 + random() % 3'000}));
          released.push_back(false);
          break;
        case 2:
          pass(milliseconds{1 + random() % 50}, 50ms);
          break;
        default:
          for (size_t i = random() % (answers.size() + 1); i < answers.size(); ++i)
            if (answers[i]->value && !released[i]) {
              released[i] = true;
              release(answers[i]->value->tunnel);
              break;
            }
      }
      std::map<uint64_t, uint32_t> running;
      for (size_t i = 0; i < answers.size(); ++i)
        if (answers[i]->value && !released[i]) ++running[answers[i]->value->tunnel.number];
      for (const auto& [number, count] : running)
        CAF_REQUIRE(count <= capacity.at(number));
      CAF_REQUIRE(state().line.empty() || !state().board.has_room());
    }
    pass(4s);
    for (size_t i = 0; i < answers.size(); ++i) {
      CAF_REQUIRE(!answers[i]->pending());
      if (answers[i]->value && !released[i]) release(answers[i]->value->tunnel);
    }
    CAF_CHECK_EQUAL(state().board.running(), 0u);
    for (const auto& [number, places] : capacity)
      tell(queue, detach_atom_v, tunnel_id{static_cast<uint32_t>(number % 2), number});
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
