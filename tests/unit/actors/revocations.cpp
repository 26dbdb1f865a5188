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

/// The record of a user's revocation as another node has written it.
std::vector<postern::runtime::stored_record> record_of(const std::string& user, int64_t at) {
  return {{revoked_user_kind, user, std::to_string(at), 1}};
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

CAF_TEST(a clock that is behind does not lower what is revoked) {
  revocations revoked{8h};
  revoked.revoke({.user = "alice"}, now + 20s);
  const auto again = revoked.revoke({.user = "alice"}, now);
  CAF_CHECK(revoked.covers(sample_session("s1", start_of_time + 10)));
  CAF_REQUIRE_EQUAL(again.size(), 1u);
  CAF_CHECK_EQUAL(again[0].value, std::to_string(start_of_time + 20));
}

CAF_TEST(what another node revokes counts up to the time of this node) {
  revocations revoked{8h};
  const auto writes = revoked.hear(record_of("alice", start_of_time), now + 20s);
  CAF_CHECK(revoked.covers(sample_session("s1", start_of_time + 20)));
  CAF_CHECK(!revoked.covers(sample_session("s2", start_of_time + 21)));
  CAF_REQUIRE_EQUAL(writes.size(), 1u);
  CAF_CHECK_EQUAL(writes[0].kind, revoked_user_kind);
  CAF_CHECK_EQUAL(writes[0].key, "alice");
  CAF_CHECK_EQUAL(writes[0].value, std::to_string(start_of_time + 20));
  CAF_CHECK_EQUAL(writes[0].expected_revision.value_or(99), 1u);
  // Once that is written there is no end to be found that is later still.
  CAF_CHECK(revoked.hear(as_records(writes), now + 30s).empty());
  CAF_CHECK(!revoked.covers(sample_session("s2", start_of_time + 21)));
}

CAF_TEST(a node whose clock is behind takes over what it hears) {
  revocations revoked{8h};
  CAF_CHECK(revoked.hear(record_of("alice", start_of_time), now - 20s).empty());
  CAF_CHECK(revoked.covers(sample_session("s1", start_of_time)));
  CAF_CHECK(!revoked.covers(sample_session("s2", start_of_time + 1)));
}

CAF_TEST(nodes of the same time do not raise a revocation by turns) {
  revocations revoked{8h};
  CAF_CHECK(revoked.hear(record_of("alice", start_of_time), now + clock_noise).empty());
  CAF_CHECK(revoked.covers(sample_session("s1", start_of_time + clock_noise.count())));
}

CAF_TEST(a calendar that is wrong keeps nobody out for long) {
  revocations revoked{8h};
  revoked.hear(record_of("alice", start_of_time), now + 24h);
  const auto end = start_of_time + std::chrono::seconds{largest_clock_skew}.count();
  CAF_CHECK(revoked.covers(sample_session("s1", end)));
  CAF_CHECK(!revoked.covers(sample_session("s2", end + 1)));
}

CAF_TEST(an earlier time in the store is raised to what is known) {
  revocations revoked{8h};
  revoked.revoke({.user = "alice"}, now + 20s);
  const auto writes = revoked.hear(record_of("alice", start_of_time), now + 60s);
  CAF_REQUIRE_EQUAL(writes.size(), 1u);
  CAF_CHECK_EQUAL(writes[0].value, std::to_string(start_of_time + 20));
}

CAF_TEST(what replaces a damaged record counts) {
  for (const auto* damaged : {"soon", "-1", "9223372036854775807"}) {
    revocations revoked{8h};
    const std::vector<postern::runtime::stored_record> record{
        {revoked_user_kind, "alice", damaged, 1}};
    CAF_CHECK(revoked.hear(record, now).empty());
    CAF_CHECK(revoked.covers(sample_session("s1", start_of_time + 1'000'000)));
    CAF_CHECK(revoked.hear(record_of("alice", start_of_time), now).empty());
    CAF_CHECK(!revoked.covers(sample_session("s1", start_of_time + 1)));
    revoked.load({}, record);
    const auto writes = revoked.revoke({.user = "alice"}, now);
    CAF_CHECK_EQUAL(writes[0].value, std::to_string(start_of_time));
  }
}

CAF_TEST(a damaged record errs on the safe side) {
  revocations revoked{8h};
  revoked.load({{"revoked_session", "s1", "soon", 1}}, {{"revoked_user", "alice", "", 1}});
  CAF_CHECK(revoked.covers(sample_session("s1")));
  CAF_CHECK(revoked.covers(sample_session("s2", start_of_time + 1'000'000)));
  CAF_CHECK(revoked.expired(now + 24h * 1000).empty());
}
