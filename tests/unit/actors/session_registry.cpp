#define CAF_SUITE session_registry
#include "actors/session_registry.hpp"

#include "tests/unit/actors/session_samples.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

struct registry_fixture : store_fixture {
  session_registry_actor subject = spawn_registry();

  session_registry_actor spawn_registry() { return spawn_registry(clock); }
  session_registry_actor spawn_registry(const postern::runtime::wall_clock& on) {
    return start(
        session_registry,
        session_registry_dependencies{
            .store = store, .audit = audit, .clock = &on, .session_lifetime = 8h, .live_limit = 3});
  }
  void restart() {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    subject = spawn_registry();
  }
  answer_ptr<user_session_actor> wake(const access_session& session) {
    return wake(subject, session);
  }
  answer_ptr<user_session_actor> wake(const session_registry_actor& at,
                                      const access_session& session) {
    return ask<user_session_actor>(at, wake_atom_v, session);
  }
  user_session_actor woken(const std::string& id) { return value_of(wake(sample_session(id))); }
  answer_ptr<uint64_t> revoke(session_selector selected) {
    return ask<uint64_t>(subject, revoke_atom_v, std::move(selected));
  }
  std::string decide(const user_session_actor& session) {
    const auto answer = ask<access_decision>(session, authorize_atom_v, sample_request());
    return answer->value ? answer->value->reason : answer->cause();
  }
  answer_ptr<verified_token> check(int64_t issued_at) {
    verified_token token{.user = sample_session("s1").user, .issued_at = issued_at};
    return ask<verified_token>(subject, verify_atom_v, std::move(token));
  }
  /// Since when the only user of whom there is a record is revoked.
  std::string user_record() {
    const auto records = stored(revoked_user_kind);
    CAF_REQUIRE_EQUAL(records.size(), 1u);
    return records[0].value;
  }
  std::vector<std::string> live() {
    std::vector<std::string> ids;
    const auto all = value_of(ask<std::vector<session_status>>(subject, list_atom_v));
    for (const auto& status : all)
      ids.push_back(status.session.id);
    return ids;
  }
};

using ids = std::vector<std::string>;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(session_registry_tests, registry_fixture)

CAF_TEST(a cookie wakes its session once) {
  const auto first = woken("s1");
  CAF_CHECK_EQUAL(decide(first), "assigned");
  CAF_CHECK(woken("s1") == first);
  CAF_CHECK(woken("s2") != first);
  CAF_CHECK((live() == ids{"s2", "s1"}));
}

CAF_TEST(an expired session is not woken) {
  auto expired = sample_session("s1");
  expired.expires_at = start_of_time;
  CAF_CHECK_EQUAL(wake(expired)->cause(), "session_expired");
  CAF_CHECK(live().empty());
}

CAF_TEST(a session that was idle leaves and can be woken again) {
  const auto first = woken("s1");
  pass_both(600s);
  CAF_CHECK(live().empty());
  CAF_CHECK(woken("s1") != first);
}

CAF_TEST(the number of live sessions is bounded) {
  const auto first = woken("s1");
  const auto second = woken("s2");
  woken("s3");
  woken("s1");
  woken("s4");
  CAF_CHECK((live() == ids{"s4", "s1", "s3"}));
  CAF_CHECK(is_alive(first.address()));
  CAF_CHECK(!is_alive(second.address()));
  CAF_CHECK_EQUAL(decide(woken("s2")), "assigned");
}

CAF_TEST(a revoked session is over for its holder and for its cookie) {
  const auto session = woken("s1");
  woken("s2");
  CAF_CHECK_EQUAL(revoke({.id = "s1"})->value.value_or(99), 1u);
  CAF_CHECK_EQUAL(decide(session), "session_revoked");
  CAF_CHECK_EQUAL(wake(sample_session("s1"))->cause(), "session_revoked");
  CAF_CHECK((live() == ids{"s2"}));
}

CAF_TEST(a revoked user is out of all sessions and may sign in again) {
  woken("s1");
  woken("s2");
  CAF_CHECK_EQUAL(revoke({.user = "alice"})->value.value_or(99), 2u);
  CAF_CHECK_EQUAL(wake(sample_session("s3"))->cause(), "session_revoked");
  CAF_CHECK_EQUAL(wake(sample_session("s4", start_of_time + 1))->cause(), "answered");
}

CAF_TEST(a revocation outlives the registry) {
  revoke({.id = "s1"});
  revoke({.user = "bob"});
  restart();
  CAF_CHECK_EQUAL(wake(sample_session("s1"))->cause(), "session_revoked");
  auto bob = sample_session("s2");
  bob.user.name = "bob";
  CAF_CHECK_EQUAL(wake(bob)->cause(), "session_revoked");
  CAF_CHECK_EQUAL(wake(sample_session("s3"))->cause(), "answered");
}

CAF_TEST(a revocation that is not durable is in force but not answered as done) {
  const auto session = woken("s1");
  medium->down = true;
  CAF_CHECK_EQUAL(revoke({.id = "s1"})->cause(), "store_failed");
  CAF_CHECK_EQUAL(decide(session), "session_revoked");
  CAF_CHECK_EQUAL(wake(sample_session("s1"))->cause(), "session_revoked");
}

CAF_TEST(nobody is let in while it is not known who is out) {
  revoke({.id = "s1"});
  medium->down = true;
  restart();
  CAF_CHECK_EQUAL(wake(sample_session("s2"))->cause(), "store_unavailable");
  medium->down = false;
  pass_both(1s);
  CAF_CHECK_EQUAL(wake(sample_session("s1"))->cause(), "session_revoked");
  CAF_CHECK_EQUAL(wake(sample_session("s2"))->cause(), "answered");
}

CAF_TEST(old revocations are forgotten in memory and in the store) {
  revoke({.id = "s1"});
  revoke({.user = "alice"});
  pass_both(8h - 600s);
  CAF_CHECK_EQUAL(stored("revoked_session").size(), 1u);
  pass_both(600s);
  CAF_CHECK(stored("revoked_session").empty());
  CAF_CHECK_EQUAL(stored("revoked_user").size(), 1u);
  pass_both(user_revocation_memory - 8h);
  CAF_CHECK(stored("revoked_user").empty());
}

CAF_TEST(an access token of a revoked user is refused unless it was issued later) {
  CAF_CHECK_EQUAL(check(start_of_time)->cause(), "answered");
  revoke({.user = "alice"});
  CAF_CHECK_EQUAL(check(start_of_time)->cause(), "token_revoked");
  CAF_CHECK_EQUAL(check(start_of_time + 1)->cause(), "answered");
  restart();
  CAF_CHECK_EQUAL(check(start_of_time)->cause(), "token_revoked");
}

CAF_TEST(no access token holds while it is not known who is out) {
  medium->down = true;
  restart();
  CAF_CHECK_EQUAL(check(start_of_time)->cause(), "store_unavailable");
}

CAF_TEST(an empty selection is refused) {
  CAF_CHECK_EQUAL(revoke({})->cause(), "selector_empty");
}

CAF_TEST(the end of the registry ends its sessions) {
  const auto session = woken("s1");
  caf::anon_send_exit(subject, caf::exit_reason::kill);
  consume_messages();
  CAF_CHECK(!is_alive(session.address()));
}

CAF_TEST(revocations are audited) {
  revoke({.user = "alice"});
  CAF_CHECK_EQUAL(last_audited("user_revoked").target, "alice");
  CAF_CHECK_EQUAL(last_audited("user_revoked").outcome, "success");
}

CAF_TEST(what another node revokes is over here at once) {
  const auto one = woken("s1");
  const auto two = woken("s2");
  const auto other = spawn_registry();
  CAF_REQUIRE(ask<uint64_t>(other, revoke_atom_v, session_selector{"s1", {}})->value.has_value());
  CAF_CHECK_EQUAL(wake(sample_session("s1"))->cause(), "session_revoked");
  CAF_CHECK(decide(one) != "assigned");
  CAF_CHECK_EQUAL(decide(two), "assigned");
  const auto name = sample_session("s2").user.name;
  CAF_REQUIRE(ask<uint64_t>(other, revoke_atom_v, session_selector{{}, name})->value.has_value());
  CAF_CHECK(decide(two) != "assigned");
  CAF_CHECK_EQUAL(wake(sample_session("s3"))->cause(), "session_revoked");
}

CAF_TEST(a session of a node whose clock is ahead ends with the others) {
  postern::runtime::manual_wall_clock ahead{clock.now() + 20s};
  const auto other = spawn_registry(ahead);
  const auto theirs = sample_session("s1", start_of_time + 20);
  const auto live = value_of(wake(other, theirs));
  clock.advance(10s);
  ahead.advance(10s);
  revoke({.user = "alice"});
  CAF_CHECK(decide(live) != "assigned");
  CAF_CHECK_EQUAL(wake(other, theirs)->cause(), "session_revoked");
  // The STS and whoever starts later go by the record.
  CAF_CHECK_EQUAL(user_record(), std::to_string(start_of_time + 30));
  CAF_CHECK_EQUAL(wake(theirs)->cause(), "session_revoked");
  restart();
  CAF_CHECK_EQUAL(wake(theirs)->cause(), "session_revoked");
  const auto after = sample_session("s2", start_of_time + 31);
  CAF_CHECK_EQUAL(wake(other, after)->cause(), "answered");
  CAF_CHECK_EQUAL(wake(after)->cause(), "answered");
}

CAF_TEST(a time that another node could not write is written later) {
  postern::runtime::manual_wall_clock ahead{clock.now() + 20s};
  spawn_registry(ahead);
  medium->commit({{.kind = revoked_user_kind, .key = "alice", .value = "1750000000"}}).value();
  // The news are there, and what is heard of cannot be written.
  medium->read_only = true;
  consume_messages();
  CAF_CHECK_EQUAL(user_record(), std::to_string(start_of_time));
  medium->read_only = false;
  pass_both(1s);
  CAF_CHECK_EQUAL(user_record(), std::to_string(start_of_time + 20));
}

CAF_TEST(a revocation of another node is not missed while the store is down) {
  const auto one = woken("s1");
  medium->commit({{.kind = revoked_session_kind, .key = "s1", .value = "9999999999"}}).value();
  medium->down = true;
  consume_messages();
  CAF_CHECK_EQUAL(decide(one), "assigned");
  medium->down = false;
  pass_both(2s);
  CAF_CHECK(decide(one) != "assigned");
}

CAF_TEST_FIXTURE_SCOPE_END()
