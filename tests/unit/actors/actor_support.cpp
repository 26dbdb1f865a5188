#define CAF_SUITE actor_support
// What a crash leaves behind, and how results become replies.
#include "actors/actor_support.hpp"

#include "tests/unit/actors/connector_fixture.hpp"

#include <stdexcept>

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::error;
using postern::runtime::error_category;
using postern::runtime::result;

namespace {

struct fragile_state {
  static constexpr const char* name = "fragile";
};

/// Crashes at the word "crash", with something that is no exception at "odd"; "later" answers
/// after another actor has, and crashes then.
caf::behavior fragile(caf::stateful_actor<fragile_state>* self, const caf::actor& other) {
  report_crashes(self);
  return {[=](const std::string& word) -> caf::result<std::string> {
    if (word == "crash") throw std::runtime_error{"why it did"};
    if (word == "odd") throw 7;
    if (word == "later") {
      auto promise = self->make_response_promise<std::string>();
      self->request(other, caf::infinite, 1).then([promise](int) {
        throw std::runtime_error{"in an answer"};
      });
      return promise;
    }
    return word;
  }};
}

caf::behavior echo(caf::event_based_actor*) {
  return {[](int n) { return n; }};
}

struct crash_fixture : fixture {
  caf::actor other = own(sys.spawn(echo));
  caf::actor actor = own(sys.spawn(fragile, other));
  std::optional<error> ended;

  crash_fixture() {
    consume_messages();
    self->monitor(actor);
  }

  answer_ptr<std::string> say(const char* word) {
    return ask<std::string>(actor, std::string{word});
  }
  /// Why the actor has ended, as those learn who watch it.
  error end() {
    error why;
    self->receive(
        [&](const caf::down_msg& down) { why = postern::runtime::from_caf(down.reason); });
    return why;
  }
};

result<std::string> word(bool good) {
  if (good) return std::string{"good"};
  return error{error_category::conflict, "store_conflict", "store", "a is at 7"};
}

result<void> nothing(bool good) {
  if (good) return {};
  return error{error_category::overloaded, "queue_full", "service", {}};
}

/// Settles what it is asked for by results.
caf::behavior settling(caf::event_based_actor* self) {
  return {[self](const std::string&, bool good) -> caf::result<std::string> {
            auto promise = self->make_response_promise<std::string>();
            settle(promise, word(good));
            return promise;
          },
          [](int, bool good) { return to_reply(word(good)); },
          [](bool good) { return to_reply(nothing(good)); }};
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(actor_support_tests, crash_fixture)

CAF_TEST(a crash answers the request in hand with who crashed and why) {
  CAF_CHECK_EQUAL(say("fine")->cause(), "answered");
  const auto a = say("crash");
  CAF_REQUIRE(a->failure.has_value());
  CAF_CHECK((*a->failure ==
             error{error_category::internal, "actor_crashed", "service", "fragile: why it did"}));
}

CAF_TEST(a crash ends the actor and whoever watches learns the same) {
  say("crash");
  CAF_CHECK(!is_alive(actor.address()));
  CAF_CHECK((end() ==
             error{error_category::internal, "actor_crashed", "service", "fragile: why it did"}));
}

CAF_TEST(what is thrown and is no exception is a crash all the same) {
  const auto a = say("odd");
  CAF_REQUIRE(a->failure.has_value());
  CAF_CHECK_EQUAL(a->failure->cause, "actor_crashed");
  CAF_CHECK_EQUAL(a->failure->detail, "fragile: an exception of an unknown type");
  CAF_CHECK(!is_alive(actor.address()));
}

CAF_TEST(a crash in an answer that was waited for ends the actor as well) {
  say("later");
  CAF_CHECK(!is_alive(actor.address()));
  CAF_CHECK_EQUAL(end().detail, "fragile: in an answer");
  CAF_CHECK(is_alive(other.address()));
}

CAF_TEST(whoever stands behind the one that crashed is refused and does not wait) {
  caf::anon_send(actor, std::string{"crash"});
  const auto a = say("fine");
  CAF_REQUIRE(a->failure.has_value());
  CAF_CHECK(a->failure->category != error_category::none);
}

CAF_TEST(an error reaches whoever asked as it was made and a value as it is) {
  const auto replier = own(sys.spawn(settling));
  const error conflict{error_category::conflict, "store_conflict", "store", "a is at 7"};
  const auto replied = ask<std::string>(replier, 1, false);
  const auto settled = ask<std::string>(replier, std::string{}, false);
  CAF_REQUIRE(replied->failure && settled->failure);
  CAF_CHECK(*replied->failure == conflict);
  CAF_CHECK(*settled->failure == conflict);
  const auto value = ask<std::string>(replier, 1, true);
  const auto delivered = ask<std::string>(replier, std::string{}, true);
  CAF_REQUIRE(value->value && delivered->value);
  CAF_CHECK_EQUAL(*value->value + *delivered->value, "goodgood");
}

CAF_TEST(an answer without a value is one and its error is not) {
  const auto replier = own(sys.spawn(settling));
  CAF_CHECK_EQUAL(ask_void(replier, true)->cause(), "answered");
  CAF_CHECK_EQUAL(ask_void(replier, false)->cause(), "queue_full");
}

CAF_TEST_FIXTURE_SCOPE_END()
