#define CAF_SUITE built_in_sts
#include "edge/built_in_sts.hpp"

#include "actors/revocations.hpp"
#include "tests/unit/sts/fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace postern;
using namespace std::chrono_literals;

namespace {

struct fixture : sts::testing::provider_fixture {
  fixture() { sign_in(get("/authorize", wiki_request())); }

  /// The node starts again, on the same store.
  void start_again() {
    sts.reset();
    auto ring = std::make_shared<const runtime::key_ring>(sealing, random);
    sts = edge::start_built_in_sts(settings, sts::testing::people(), *store, ring, clock, random)
              .value();
    sts->set_clients(sts::testing::applications());
  }
  void record_revocation(const std::string& since) {
    store->commit({{.kind = actors::revoked_user_kind, .key = "ada", .value = since}}).value();
  }
  std::string now() const { return std::to_string(runtime::to_unix_seconds(clock.now())); }
  bool signed_in() { return get("/").body().find("You are signed in") != std::string::npos; }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(built_in_sts_tests, fixture)

CAF_TEST(a session outlives the start of a node) {
  start_again();
  CAF_CHECK(signed_in());
}

CAF_TEST(a session from before its users revocation does not count after a start either) {
  clock.advance(60s);
  record_revocation(now());
  start_again();
  CAF_CHECK(!signed_in());
}

CAF_TEST(whoever signs in after the revocation stays signed in after a start) {
  record_revocation(now());
  clock.advance(1s);
  cookies.clear();
  sign_in(get("/authorize", wiki_request()));
  start_again();
  CAF_CHECK(signed_in());
}

CAF_TEST(a damaged record ends what was before and lets its user sign in again) {
  record_revocation("yesterday");
  start_again();
  CAF_CHECK(!signed_in());
  clock.advance(1s);
  cookies.clear();
  sign_in(get("/authorize", wiki_request()));
  CAF_CHECK(signed_in());
}

CAF_TEST(who signs in and who fails to stands in the audit log) {
  const auto failed = edge::to_audit_event({"sign_in_failed", "ada", "wiki", "192.0.2.1", "r1"});
  CAF_REQUIRE(failed.has_value());
  CAF_CHECK_EQUAL(failed->category, "sts");
  CAF_CHECK_EQUAL(failed->action, "sign_in_failed");
  CAF_CHECK_EQUAL(failed->actor, "ada");
  CAF_CHECK_EQUAL(failed->target, "wiki");
  CAF_CHECK_EQUAL(failed->outcome, "refused");
  CAF_CHECK_EQUAL(failed->address, "192.0.2.1");
  CAF_CHECK_EQUAL(failed->request_id, "r1");
  const auto allowed = edge::to_audit_event({"device_allowed", "ada", "posternctl", "", ""});
  CAF_REQUIRE(allowed.has_value());
  CAF_CHECK_EQUAL(allowed->outcome, "success");
  const auto replayed = edge::to_audit_event({"code_replayed", "", "wiki", "", ""});
  CAF_REQUIRE(replayed.has_value());
  CAF_CHECK_EQUAL(replayed->outcome, "refused");
}

CAF_TEST(an attempt that is slowed down costs the audit log nothing) {
  CAF_CHECK(!edge::to_audit_event({"sign_in_blocked", "ada", "wiki", "192.0.2.1", "r1"}));
}

CAF_TEST_FIXTURE_SCOPE_END()
