#define CAF_SUITE configuration
#include "actors/configuration.hpp"

#include "tests/unit/actors/published_samples.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

using snapshots = std::shared_ptr<std::vector<published_ptr>>;

configuration_subscriber_actor::behavior_type recording_subscriber(
    configuration_subscriber_actor::pointer, snapshots seen) {
  return {[seen](update_atom, const published_ptr& fresh) { seen->push_back(fresh); }};
}

struct configuration_fixture : store_fixture {
  configuration_actor subject = start(configuration, configuration_dependencies{store, audit, {}});

  change_request wiki() {
    return {.groups = {{"berlin"}}, .applications = {sample("wiki")}, .by = "root"};
  }
  answer_ptr<change_report> apply(change_request request) {
    return ask<change_report>(subject, apply_atom_v, std::move(request));
  }
  published_ptr lookup(const configuration_actor& whom) {
    const auto answer = ask<published_ptr>(whom, lookup_atom_v);
    return answer->value.value_or(nullptr);
  }
  configuration_actor restart() {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    return subject = start(configuration, configuration_dependencies{store, audit, {}});
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(configuration_tests, configuration_fixture)

CAF_TEST(the first snapshot is empty and has a version) {
  const auto empty = lookup(subject);
  CAF_REQUIRE(empty != nullptr);
  CAF_CHECK_EQUAL(empty->version, 1u);
  CAF_CHECK(empty->applications.empty());
}

CAF_TEST(a change is in force and durable when it is answered) {
  const auto report = apply(wiki());
  CAF_REQUIRE(report->value.has_value());
  CAF_CHECK_EQUAL(report->value->version, 2u);
  CAF_CHECK_EQUAL(report->value->changes.size(), 2u);
  CAF_CHECK_EQUAL(lookup(subject)->version, 2u);
  const auto again = lookup(restart());
  CAF_CHECK_EQUAL(again->version, 2u);
  CAF_REQUIRE(again->find_application("wiki") != nullptr);
  CAF_CHECK(*again->find_application("wiki") == sample("wiki"));
}

CAF_TEST(a snapshot in hand never changes) {
  apply(wiki());
  const auto held = lookup(subject);
  apply({.erase_applications = {"wiki"}});
  CAF_CHECK(held->find_application("wiki") != nullptr);
  CAF_CHECK(lookup(subject)->find_application("wiki") == nullptr);
}

CAF_TEST(applying the same again writes nothing) {
  apply(wiki());
  const auto before = medium->commits;
  const auto report = apply(wiki());
  CAF_CHECK(report->value->changes.empty());
  CAF_CHECK_EQUAL(report->value->version, 2u);
  CAF_CHECK_EQUAL(medium->commits, before);
}

CAF_TEST(a dry run says what would change and changes nothing) {
  auto request = wiki();
  request.dry_run = true;
  const auto report = apply(request);
  CAF_CHECK_EQUAL(report->value->changes.size(), 2u);
  CAF_CHECK_EQUAL(report->value->version, 1u);
  CAF_CHECK_EQUAL(medium->commits, 0u);
  CAF_CHECK(lookup(subject)->applications.empty());
}

CAF_TEST(an invalid change is refused and changes nothing) {
  auto request = wiki();
  request.groups.clear();
  CAF_CHECK_EQUAL(apply(request)->cause(), "published_invalid");
  CAF_CHECK_EQUAL(medium->commits, 0u);
}

CAF_TEST(subscribers get the snapshot in force and then each new one) {
  auto seen = std::make_shared<std::vector<published_ptr>>();
  const auto subscriber = start(recording_subscriber, seen);
  const auto first = ask<published_ptr>(subject, subscribe_atom_v, subscriber);
  CAF_CHECK_EQUAL((*first->value)->version, 1u);
  ask<published_ptr>(subject, subscribe_atom_v, subscriber);
  apply(wiki());
  CAF_REQUIRE_EQUAL(seen->size(), 1u);
  CAF_CHECK_EQUAL(seen->front()->version, 2u);
}

CAF_TEST(a dead subscriber is forgotten) {
  const auto subscriber =
      start(recording_subscriber, std::make_shared<std::vector<published_ptr>>());
  ask<published_ptr>(subject, subscribe_atom_v, subscriber);
  auto& state =
      deref<configuration_self_actor::stateful_base<configuration_actor_state>>(subject).state;
  CAF_CHECK_EQUAL(state.subscribers.size(), 1u);
  caf::anon_send_exit(subscriber, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK(state.subscribers.empty());
}

CAF_TEST(two changes at once are done one after the other) {
  const auto first = wiki();
  auto second = first;
  second.applications = {sample("zoo")};
  caf::anon_send(subject, apply_atom_v, first);
  const auto report = apply(second);
  CAF_REQUIRE(report->value.has_value());
  CAF_CHECK_EQUAL(report->value->version, 3u);
  CAF_CHECK_EQUAL(lookup(subject)->applications.size(), 2u);
}

CAF_TEST(while the store is down changes are refused and the rest works) {
  apply(wiki());
  medium->down = true;
  CAF_CHECK_EQUAL(apply({.groups = {{"paris"}}})->cause(), "store_failed");
  CAF_CHECK_EQUAL(lookup(subject)->version, 2u);
  CAF_CHECK_EQUAL(apply({.groups = {{"paris"}}})->cause(), "store_unavailable");
  medium->down = false;
  pass_both(1s);
  CAF_CHECK_EQUAL(value_of(apply({.groups = {{"paris"}}})).version, 3u);
}

CAF_TEST(a change whose answer got lost is found again) {
  auto seen = std::make_shared<std::vector<published_ptr>>();
  ask<published_ptr>(subject, subscribe_atom_v, start(recording_subscriber, seen));
  medium->lose_answer = true;
  CAF_CHECK_EQUAL(apply(wiki())->cause(), "store_failed");
  medium->lose_answer = false;
  CAF_REQUIRE_EQUAL(seen->size(), 1u);
  CAF_CHECK_EQUAL(seen->front()->version, 2u);
  CAF_CHECK_EQUAL(value_of(apply({.groups = {{"paris"}}})).version, 3u);
}

CAF_TEST(a write by somebody else is never undone) {
  apply(wiki());
  medium->quiet = true;
  medium->commit({{.kind = "meta", .key = "published_version", .value = "7"}}).value();
  CAF_CHECK(apply({.groups = {{"paris"}}})->failure->category ==
            postern::runtime::error_category::conflict);
  CAF_CHECK_EQUAL(value_of(apply({.groups = {{"paris"}}})).version, 8u);
}

CAF_TEST(requests wait for a store that comes late) {
  medium->down = true;
  restart();
  const auto waiting = ask<published_ptr>(subject, lookup_atom_v);
  CAF_CHECK(waiting->pending());
  CAF_CHECK_EQUAL(apply(wiki())->cause(), "store_unavailable");
  medium->down = false;
  pass_both(1s);
  CAF_REQUIRE(waiting->value.has_value());
  CAF_CHECK_EQUAL((*waiting->value)->version, 1u);
}

CAF_TEST(who changed what is audited) {
  apply(wiki());
  apply({.erase_applications = {"wiki"}, .by = "root"});
  const auto created = last_audited("application_created");
  CAF_CHECK_EQUAL(created.actor, "root");
  CAF_CHECK_EQUAL(created.target, "wiki");
  CAF_CHECK_EQUAL(created.outcome, "success");
  CAF_CHECK_EQUAL(last_audited("application_erased").target, "wiki");
}

CAF_TEST(what another node publishes is in force here) {
  auto seen = std::make_shared<std::vector<published_ptr>>();
  ask<published_ptr>(subject, subscribe_atom_v, own(sys.spawn(recording_subscriber, seen)));
  const auto other = start(configuration, configuration_dependencies{store, audit, {}});
  CAF_REQUIRE(ask<change_report>(other, apply_atom_v, wiki())->value.has_value());
  CAF_REQUIRE(lookup(subject)->find_application("wiki") != nullptr);
  CAF_REQUIRE_EQUAL(seen->size(), 1u);
  CAF_CHECK_EQUAL(seen->back()->version, lookup(other)->version);
  // And a change here builds on it.
  CAF_CHECK(apply({.groups = {{"paris"}}, .by = "root"})->value.has_value());
  CAF_CHECK(lookup(other)->find_application("wiki") != nullptr);
  CAF_CHECK(lookup(other)->find_group("paris") != nullptr);
}

CAF_TEST(our own change is told once) {
  auto seen = std::make_shared<std::vector<published_ptr>>();
  ask<published_ptr>(subject, subscribe_atom_v, own(sys.spawn(recording_subscriber, seen)));
  CAF_REQUIRE(apply(wiki())->value.has_value());
  CAF_CHECK_EQUAL(seen->size(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
