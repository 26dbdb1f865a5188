#define CAF_SUITE actor_port
#include "runtime/actor_port.hpp"

#include "tests/unit/runtime/event_loop.hpp"

#include <caf/test/dsl.hpp>

#include <optional>

using namespace postern::runtime;
using namespace postern::test;
using namespace std::chrono_literals;

namespace {

constexpr auto patient = std::chrono::milliseconds{60'000};

/// Actors run when the test says so, the shard when it is asked to.
struct fixture : test_coordinator_fixture<> {
  shard home{0};
  std::optional<actor_port> port{std::in_place, sys, home};
  std::vector<caf::response_promise> promises;

  ~fixture() override { port.reset(); }

  caf::actor spawn(caf::behavior (*f)(caf::event_based_actor*)) { return sys.spawn(f); }

  /// Answers when the test delivers its promise.
  caf::actor spawn_slow() {
    return sys.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](int) {
        promises.push_back(self->make_response_promise());
        return promises.back();
      }};
    });
  }

  template <class Answer, class... Args>
  std::shared_ptr<std::optional<result<Answer>>> ask(caf::actor target,
                                                     std::chrono::milliseconds timeout,
                                                     Args... args) {
    auto answer = std::make_shared<std::optional<result<Answer>>>();
    start(home, [=, this]() -> awaitable<void> {
      *answer = co_await port->ask<Answer>(target, timeout, args...);
    });
    return answer;
  }

  /// Lets messages go both ways until nothing moves.
  void settle() {
    for (int i = 0; i < 10; ++i) {
      run_ready(home);
      sched.run();
    }
    run_ready(home);
  }
};

caf::behavior doubler(caf::event_based_actor*) {
  return {[](int n) { return 2 * n; }, [](const std::string&) {},
          [](bool) -> caf::result<int> {
            return to_caf({error_category::forbidden, "no", "rules", "why"});
          }};
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(actor_port_tests, fixture)

CAF_TEST(a request is answered on its shard) {
  const auto actor = spawn(doubler);
  const auto first = ask<int>(actor, patient, 21), second = ask<int>(actor, patient, 4);
  settle();
  CAF_REQUIRE(*first && *second);
  CAF_CHECK_EQUAL((*first)->value(), 42);
  CAF_CHECK_EQUAL((*second)->value(), 8);
}

CAF_TEST(an answer without a value is an answer) {
  const auto done = ask<void>(spawn(doubler), patient, std::string{"x"});
  settle();
  CAF_REQUIRE(*done);
  CAF_CHECK((*done)->has_value());
}

CAF_TEST(an error of the actor comes as it was made) {
  const auto failed = ask<int>(spawn(doubler), patient, true);
  settle();
  CAF_REQUIRE(*failed);
  CAF_CHECK((*failed)->error() == (error{error_category::forbidden, "no", "rules", "why"}));
}

CAF_TEST(an answer of another type is a defect and no value) {
  const auto odd = ask<std::string>(spawn(doubler), patient, 1);
  settle();
  CAF_REQUIRE(*odd);
  CAF_CHECK_EQUAL((*odd)->error().cause, "actor_error");
}

CAF_TEST(nobody and the dead are down) {
  const auto nobody = ask<int>(caf::actor{}, patient, 1);
  const auto actor = spawn(doubler);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  settle();
  const auto dead = ask<int>(actor, patient, 1);
  settle();
  CAF_REQUIRE(*nobody && *dead);
  CAF_CHECK_EQUAL((*nobody)->error().cause, "actor_down");
  CAF_CHECK_EQUAL((*dead)->error().cause, "actor_down");
}

CAF_TEST(silence ends with the time that was given) {
  const auto actor = spawn_slow();
  const auto answer = ask<int>(actor, 1ms, 1);
  settle();
  CAF_CHECK(!*answer);
  CAF_REQUIRE(postern::test::run_until(home, [&] { return answer->has_value(); }));
  CAF_CHECK((*answer)->error().category == error_category::timeout);
  CAF_CHECK_EQUAL((*answer)->error().cause, "actor_timeout");
  promises.clear();
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  settle();
}

CAF_TEST(a late answer does not reach the next request) {
  const auto actor = spawn_slow();
  const auto late = ask<int>(actor, 1ms, 1);
  settle();
  CAF_REQUIRE(postern::test::run_until(home, [&] { return late->has_value(); }));
  const auto next = ask<int>(actor, patient, 2);  // takes the place of the first
  settle();
  CAF_REQUIRE_EQUAL(promises.size(), 2u);
  promises[0].deliver(111);
  settle();
  CAF_CHECK(!*next);
  promises[1].deliver(222);
  settle();
  CAF_REQUIRE(*next);
  CAF_CHECK_EQUAL((*next)->value(), 222);
  promises.clear();
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  settle();
}

CAF_TEST(messages to the port run on its shard in order) {
  std::string seen;
  port->on_message([&](caf::message& m, const actor_port::responder&) {
    if (m.match_elements<int>()) seen += std::to_string(m.get_as<int>(0)) + ",";
  });
  const auto subscriber = port->as<caf::actor>();
  for (int i = 0; i < 3; ++i)
    caf::anon_send(subscriber, i);
  CAF_CHECK_EQUAL(seen, "");
  settle();
  CAF_CHECK_EQUAL(seen, "0,1,2,");
}

CAF_TEST(who asks the port is answered when it likes) {
  std::optional<actor_port::responder> kept;
  port->on_message([&](caf::message&, const actor_port::responder& r) { kept = r; });
  const auto me = port->as<caf::actor>();
  std::string answers;
  const auto asker = sys.spawn([&, me](caf::event_based_actor* self) -> caf::behavior {
    return {[&answers, self, me](int n) {
      self->request(me, caf::timespan{patient}, n)
          .then([&answers](int answer) { answers += std::to_string(answer) + ","; },
                [&answers](const caf::error& e) { answers += from_caf(e).cause; });
    }};
  });
  caf::anon_send(asker, 1);
  settle();
  CAF_REQUIRE(kept);
  CAF_CHECK_EQUAL(answers, "");
  kept->deliver(caf::make_message(7));
  settle();
  CAF_CHECK_EQUAL(answers, "7,");
  caf::anon_send(asker, 2);
  settle();
  kept->deliver(error{error_category::not_found, "gone", {}, {}});
  settle();
  CAF_CHECK_EQUAL(answers, "7,gone");
  kept.reset();
}

CAF_TEST(a message that asks for nothing is answered with nothing) {
  size_t strangers = 0;
  const auto sender = sys.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(
        [&](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
          ++strangers;
          return caf::sec::unexpected_message;
        });
    return {[=](const caf::actor& to) { self->send(to, 1); }};
  });
  port->on_message(
      [&](caf::message&, const actor_port::responder& r) { r.deliver(caf::make_message(7)); });
  caf::anon_send(sender, port->as<caf::actor>());
  settle();
  CAF_CHECK_EQUAL(strangers, 0u);
}

CAF_TEST(telling waits for nothing) {
  int told = 0;
  const auto actor = sys.spawn(
      [&](caf::event_based_actor*) -> caf::behavior { return {[&](int n) { told = n; }}; });
  port->tell(actor, 5);
  port->tell(caf::actor{}, 5);
  settle();
  CAF_CHECK_EQUAL(told, 5);
}

CAF_TEST_FIXTURE_SCOPE_END()
