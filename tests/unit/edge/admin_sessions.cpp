#define CAF_SUITE admin_sessions
// Sessions and the audit log, as administrators see and change them.
#include "actors/revocations.hpp"
#include "edge/admin_resources.hpp"
#include "tests/unit/edge/admin_fixture.hpp"
#include "tests/unit/sts/fixture.hpp"

using namespace postern;
using namespace postern::edge;
using namespace std::chrono_literals;
using actors::testing::cause_of;
using edge::samples::contains;
namespace json = boost::json;

namespace {

struct fixture : edge::testing::admin_fixture {
  actors::access_session session(const char* id, const char* user) const {
    auto made = samples::make_session();
    made.id = id;
    made.user.name = user;
    made.issued_at = made.authenticated_at = runtime::to_unix_seconds(clock.now());
    made.expires_at = made.issued_at + 3'600;
    return made;
  }
  /// Shows the session's cookie: "answered" if it still opens something.
  std::string wake(const actors::access_session& shown) {
    return ask<actors::user_session_actor>(sessions, actors::wake_atom_v, shown)->cause();
  }
  std::vector<std::string> listed() {
    std::vector<std::string> ids;
    const auto answer = content(&list_sessions);
    for (const auto& one : answer.at("sessions").as_array())
      ids.emplace_back(one.at("id").as_string());
    std::ranges::sort(ids);
    return ids;
  }
  int ended_by(admin_answer (*handle)(edge_context&, admin_call&), const char* name) {
    return content(handle, name).at("ended").to_number<int>();
  }
  void check_ordered(const char* action, const char* target) {
    const auto found = audited(action);
    CAF_CHECK_EQUAL(found.times, 1u);
    CAF_CHECK_EQUAL(found.last.actor, "ann");
    CAF_CHECK_EQUAL(found.last.target, target);
    CAF_CHECK_EQUAL(found.last.category, "revocation");
  }

  void record(const char* action) {
    tell(audit, actors::record_atom_v, actors::audit_event{.action = action});
  }
  /// The actions of a page of the log, and the number that leads to the next one.
  std::vector<std::string> page(parameters query) {
    std::vector<std::string> actions;
    const auto answer = content(&list_audit, {}, {}, std::move(query));
    for (const auto& one : answer.at("audit").as_array()) {
      actions.emplace_back(one.at("action").as_string());
      oldest = std::to_string(one.at("sequence").to_number<uint64_t>());
    }
    return actions;
  }
  std::string oldest;
};

using texts = std::vector<std::string>;

}  // namespace

CAF_TEST_FIXTURE_SCOPE(admin_sessions_tests, fixture)

CAF_TEST(sessions in memory are listed with their users) {
  wake(session("s1", "bob"));
  wake(session("s2", "eve"));
  CAF_CHECK((listed() == texts{"s1", "s2"}));
  CAF_CHECK(contains(call(&list_sessions)->body(), "\"eve\""));
}

CAF_TEST(a session that was revoked ends and no other one) {
  const auto one = session("s1", "bob"), other = session("s2", "bob");
  wake(one);
  wake(other);
  CAF_CHECK_EQUAL(ended_by(&revoke_session, "s1"), 1);
  CAF_CHECK((listed() == texts{"s2"}));
  CAF_CHECK_EQUAL(wake(one), "session_revoked");
  CAF_CHECK_EQUAL(wake(other), "answered");
  check_ordered("session_revocation_ordered", "s1");
}

CAF_TEST(a session that nobody has seen lately is revoked like any other) {
  const auto asleep = session("s1", "bob");
  CAF_CHECK_EQUAL(ended_by(&revoke_session, "s1"), 0);
  CAF_CHECK_EQUAL(wake(asleep), "session_revoked");
  CAF_CHECK_EQUAL(stored(actors::revoked_session_kind).size(), 1u);
}

CAF_TEST(a user that was revoked loses all sessions and may sign in again) {
  const auto one = session("s1", "bob"), asleep = session("s2", "bob");
  wake(one);
  wake(session("s3", "eve"));
  CAF_CHECK_EQUAL(ended_by(&revoke_user, "bob"), 1);
  CAF_CHECK_EQUAL(wake(one), "session_revoked");
  CAF_CHECK_EQUAL(wake(asleep), "session_revoked");
  CAF_CHECK((listed() == texts{"s3"}));
  clock.advance(1s);
  CAF_CHECK_EQUAL(wake(session("s4", "bob")), "answered");
  check_ordered("user_revocation_ordered", "bob");
}

CAF_TEST(a name is a user or a session and never both) {
  wake(session("s1", "bob"));
  CAF_CHECK_EQUAL(ended_by(&revoke_session, "bob"), 0);
  CAF_CHECK_EQUAL(ended_by(&revoke_user, "s1"), 0);
  CAF_CHECK((listed() == texts{"s1"}));
}

CAF_TEST(a revoked user has to type the password again at the own sts) {
  sts::testing::provider_fixture browser;
  browser.sign_in(browser.get("/authorize", browser.wiki_request()));
  const auto signed_in = [&] { return contains(browser.get("/").body(), "You are signed in"); };
  context.sts = browser.sts.get();
  clock.advance(60s);
  CAF_REQUIRE(call(&revoke_user, "bob").has_value());
  CAF_CHECK(signed_in());
  CAF_REQUIRE(call(&revoke_user, "ada").has_value());
  CAF_CHECK(!signed_in());
}

CAF_TEST(a revocation that could not be stored is not claimed but in force) {
  sts::testing::provider_fixture browser;
  browser.sign_in(browser.get("/authorize", browser.wiki_request()));
  context.sts = browser.sts.get();
  const auto shown = session("s1", "ada");
  wake(shown);
  clock.advance(60s);
  medium->read_only = true;
  CAF_CHECK_EQUAL(cause_of(call(&revoke_user, "ada")), "store_failed");
  CAF_CHECK_EQUAL(wake(shown), "session_revoked");
  CAF_CHECK(!contains(browser.get("/").body(), "You are signed in"));
  CAF_CHECK_EQUAL(audited("user_revoked").last.outcome, "store_failed");
  check_ordered("user_revocation_ordered", "ada");
}

CAF_TEST(the audit log is read from its newest event on page by page) {
  for (const auto* action : {"first", "second", "third"})
    record(action);
  CAF_CHECK((page({{"limit", "2"}}) == texts{"third", "second"}));
  CAF_CHECK((page({{"limit", "1"}, {"before", oldest}}) == texts{"first"}));
}

CAF_TEST(what has just happened is listed though it is not written yet) {
  const auto before = page({}).size();
  record("fresh");
  CAF_CHECK_EQUAL(page({}).size(), before + 1);
  CAF_CHECK((page({{"limit", "1"}}) == texts{"fresh"}));
}

CAF_TEST(a page that cannot be is refused rather than guessed) {
  for (const parameters& query : {parameters{{"limit", "0"}}, parameters{{"limit", "all"}},
                                  parameters{{"before", "-1"}}, parameters{{"before", "1 "}}})
    CAF_CHECK_EQUAL(cause_of(call(&list_audit, {}, {}, query)), "query_malformed");
}

CAF_TEST(without its actors nothing is shown and nothing is claimed) {
  put_in_force({});
  for (auto* handle : {&list_sessions, &revoke_session, &revoke_user, &list_audit})
    CAF_CHECK_EQUAL(cause_of(call(handle, "bob")), "actor_down");
  CAF_CHECK(stored(actors::revoked_user_kind).empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
