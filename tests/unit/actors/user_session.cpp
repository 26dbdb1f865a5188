#define CAF_SUITE user_session
#include "actors/user_session.hpp"

#include "tests/unit/actors/session_samples.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

struct session_fixture : store_fixture {
  user_session_actor subject = start(user_session, sample_session("s1"),
                                     static_cast<const postern::runtime::wall_clock*>(&clock));

  std::string decide(const access_request& request = sample_request()) {
    const auto answer = ask<access_decision>(subject, authorize_atom_v, request);
    return answer->value ? answer->value->reason : answer->cause();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(user_session_tests, session_fixture)

CAF_TEST(requests of an assigned user go on) {
  CAF_CHECK_EQUAL(decide(), "assigned");
}

CAF_TEST(a session opens its own application only) {
  CAF_CHECK_EQUAL(decide(sample_request("zoo")), "session_foreign");
}

CAF_TEST(a revoked session has to sign in again) {
  tell(subject, revoke_atom_v, std::string{"stolen"});
  const auto answer = ask<access_decision>(subject, authorize_atom_v, sample_request());
  CAF_REQUIRE(answer->value.has_value());
  CAF_CHECK(answer->value->verdict == access_verdict::sign_in);
  CAF_CHECK_EQUAL(answer->value->reason, "session_revoked");
}

CAF_TEST(a revoked session ends soon) {
  tell(subject, revoke_atom_v, std::string{"stolen"});
  CAF_CHECK(is_alive(subject.address()));
  pass_both(1s);
  CAF_CHECK(!is_alive(subject.address()));
}

CAF_TEST(a session ends with its time however busy) {
  for (int i = 0; i < 8 * 12 - 1; ++i) {
    pass_both(300s);
    CAF_REQUIRE_EQUAL(decide(), "assigned");
  }
  pass_both(300s);
  CAF_CHECK_EQUAL(decide(), "session_expired");
}

CAF_TEST(ten idle minutes end the actor) {
  pass_both(540s);
  CAF_CHECK(is_alive(subject.address()));
  pass_both(60s);
  CAF_CHECK(!is_alive(subject.address()));
}

CAF_TEST(each request starts the idle time anew) {
  pass_both(540s);
  decide();
  pass_both(60s);
  CAF_CHECK(is_alive(subject.address()));
  pass_both(539s);
  CAF_CHECK(is_alive(subject.address()));
  pass_both(1s);
  CAF_CHECK(!is_alive(subject.address()));
}

CAF_TEST(a request without an application is an error and not the end) {
  CAF_CHECK_EQUAL(decide({}), "application_missing");
  CAF_CHECK_EQUAL(decide(), "assigned");
}

CAF_TEST_FIXTURE_SCOPE_END()
