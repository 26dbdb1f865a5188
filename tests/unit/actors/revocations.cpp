#define CAF_SUITE revocations
#include "actors/revocations.hpp"

#include "tests/unit/actors/session_samples.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

const auto now = postern::runtime::from_unix_seconds(start_of_time);

std::vector<postern::runtime::stored_record> as_records(
    const std::vector<postern::runtime::store_change>& writes) {
  std::vector<postern::runtime::stored_record> out;
  for (const auto& write : writes)
    out.push_back({write.kind, write.key, write.value, 1});
  return out;
}

}  // namespace

CAF_TEST(a revoked session is over and no other) {
  revocations revoked{8h};
  revoked.revoke({.id = "s1"}, now);
  CAF_CHECK(revoked.covers(sample_session("s1")));
  CAF_CHECK(!revoked.covers(sample_session("s2")));
}

CAF_TEST(a revoked user is out until the next sign in) {
  revocations revoked{8h};
  revoked.revoke({.user = "alice"}, now);
  CAF_CHECK(revoked.covers(sample_session("s1", start_of_time - 100)));
  CAF_CHECK(revoked.covers(sample_session("s1", start_of_time)));
  CAF_CHECK(!revoked.covers(sample_session("s2", start_of_time + 1)));
  auto bob = sample_session("s3");
  bob.user.name = "bob";
  CAF_CHECK(!revoked.covers(bob));
}

CAF_TEST(nothing selected is nothing to write) {
  CAF_CHECK(revocations{8h}.revoke({}, now).empty());
}

CAF_TEST(revocations survive the store) {
  revocations before{8h};
  const auto session = before.revoke({.id = "s1"}, now);
  const auto user = before.revoke({.user = "alice"}, now);
  revocations after{8h};
  after.load(as_records(session), as_records(user));
  CAF_CHECK(after.covers(sample_session("s1", start_of_time + 9)));
  CAF_CHECK(after.covers(sample_session("s2", start_of_time)));
  CAF_CHECK(!after.covers(sample_session("s2", start_of_time + 1)));
}

CAF_TEST(an access token from before its users revocation is over) {
  revocations revoked{8h};
  revoked.revoke({.user = "alice"}, now);
  const auto user = [](const char* name) { return identity{.subject = "0001", .name = name}; };
  CAF_CHECK(revoked.covers(user("alice"), start_of_time - 1));
  CAF_CHECK(revoked.covers(user("alice"), start_of_time));
  CAF_CHECK(!revoked.covers(user("alice"), start_of_time + 1));
  CAF_CHECK(!revoked.covers(user("bob"), start_of_time - 1));
}

CAF_TEST(a revocation of a session is forgotten when the session has expired) {
  revocations revoked{8h};
  revoked.revoke({.id = "s1"}, now);
  CAF_CHECK(revoked.expired(now + 8h - 1s).empty());
  CAF_CHECK_EQUAL(revoked.expired(now + 8h).size(), 1u);
  revoked.forget_expired(now + 8h);
  CAF_CHECK_EQUAL(revoked.size(), 0u);
}

CAF_TEST(a revocation of a user is remembered for longer than any token or session lives) {
  revocations revoked{1min};
  revoked.revoke({.user = "alice"}, now);
  const auto until = now + user_revocation_memory;
  CAF_CHECK(revoked.expired(until - 1s).empty());
  CAF_CHECK_EQUAL(revoked.expired(until).size(), 1u);
  revoked.forget_expired(until);
  CAF_CHECK_EQUAL(revoked.size(), 0u);
}

CAF_TEST(what is revoked anew while the old one is erased stays) {
  revocations revoked{8h};
  revoked.revoke({.user = "alice"}, now);
  const auto later = now + user_revocation_memory;
  CAF_CHECK_EQUAL(revoked.expired(later).size(), 1u);
  revoked.revoke({.user = "alice"}, later);
  revoked.forget_expired(later);
  CAF_CHECK_EQUAL(revoked.size(), 1u);
}

CAF_TEST(a damaged record errs on the safe side) {
  revocations revoked{8h};
  revoked.load({{"revoked_session", "s1", "soon", 1}}, {{"revoked_user", "alice", "", 1}});
  CAF_CHECK(revoked.covers(sample_session("s1")));
  CAF_CHECK(revoked.covers(sample_session("s2", start_of_time + 1'000'000)));
  CAF_CHECK(revoked.expired(now + 24h * 1000).empty());
}
