#define CAF_SUITE connector_registry_tunnels
// Pulls, renewal and the alarm for two holders of one identity.
#include "tests/unit/actors/registry_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

constexpr std::chrono::hours day{24};

struct pull_fixture : registry_fixture {
  std::string certificate = authority.sign("c1", "aa", wall.now());
  uint64_t version = 0;

  pull_fixture() {
    enrol("c1", "aa");
    version = pull("c1", certificate)->value->version;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(connector_registry_tunnels_tests, pull_fixture)

CAF_TEST(a connector gets its group and the applications of it) {
  const auto a = pull("c1", certificate);
  CAF_REQUIRE(a->value.has_value());
  const auto& c = *a->value;
  CAF_CHECK_EQUAL(c.connector, "c1");
  CAF_CHECK_EQUAL(c.group, "one");
  CAF_CHECK_EQUAL(c.tunnels, 2u);
  CAF_CHECK_EQUAL(c.exchanges, 100u);
  CAF_CHECK(!c.renew_certificate);
  CAF_REQUIRE_EQUAL(c.applications.size(), 1u);
  CAF_CHECK_EQUAL(c.applications.front().name, "wiki");
  CAF_CHECK(c.applications.front().external_url.empty());
}

CAF_TEST(a pull is refused like a tunnel) {
  const auto cause = [this](const std::string& id, const std::string& pem) {
    return pull(id, pem)->cause();
  };
  CAF_CHECK_EQUAL(cause("c1", "no certificate"), "certificate_unknown");
  CAF_CHECK_EQUAL(cause("c1", authority.sign("c1", "bb", wall.now())), "certificate_unknown");
  CAF_CHECK_EQUAL(cause("c1", authority.sign("other", "aa", wall.now())), "certificate_unknown");
  CAF_CHECK_EQUAL(cause("other", authority.sign("other", "aa", wall.now())), "connector_unknown");
  ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(cause("c1", certificate), "connector_revoked");
}

CAF_TEST(an expired certificate is refused to pull and to attach) {
  wall.advance(365 * day);
  CAF_CHECK_EQUAL(pull("c1", certificate)->cause(), "certificate_expired");
  CAF_CHECK_EQUAL(attach("c1", "aa")->cause(), "certificate_expired");
}

CAF_TEST(a pull that knows the version waits and gets the same one at the end) {
  const auto a = pull("c1", certificate, version, 30s);
  pass(29s);
  CAF_CHECK(a->pending());
  pass(1s + pull_grain);
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK_EQUAL(a->value->version, version);
}

CAF_TEST(a pull that does not want to wait is answered at once) {
  CAF_CHECK_EQUAL(pull("c1", certificate, version, 0s)->cause(), "answered");
}

CAF_TEST(a pull that knows another version does not wait) {
  CAF_CHECK_EQUAL(pull("c1", certificate, version + 1, 30s)->cause(), "answered");
}

CAF_TEST(no pull waits longer than the bound) {
  const auto a = pull("c1", certificate, version, 3'600s);
  pass(longest_pull_wait + pull_grain);
  CAF_CHECK_EQUAL(a->cause(), "answered");
}

CAF_TEST(many pulls end each at its own time) {
  enrol("c2", "bb");
  const auto other = authority.sign("c2", "bb", wall.now());
  const auto known = pull("c2", other)->value->version;
  const auto late = pull("c1", certificate, version, 20s);
  const auto early = pull("c2", other, known, 5s);
  pass(5s + pull_grain, 100ms);
  CAF_CHECK_EQUAL(early->cause(), "answered");
  CAF_CHECK(late->pending());
  pass(15s, 100ms);
  CAF_CHECK_EQUAL(late->cause(), "answered");
}

CAF_TEST(a change of the group answers the pulls that wait) {
  const auto a = pull("c1", certificate, version, 30s);
  pass(3s);
  publish(2, {"one", "two"}, {{"wiki", "one"}, {"shop", "one"}, {"mail", "two"}});
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK(a->value->version != version);
  CAF_CHECK_EQUAL(a->value->applications.size(), 2u);
}

CAF_TEST(a change of another group does not) {
  const auto a = pull("c1", certificate, version, 30s);
  publish(2, {"one", "two"}, {{"wiki", "one"}});
  CAF_CHECK(a->pending());
  publish(3, {"one", "two"}, {{"wiki", "two"}});
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK(a->value->applications.empty());
}

CAF_TEST(a move to another group answers the pull) {
  const auto a = pull("c1", certificate, version, 30s);
  ask_void(registry, apply_atom_v, std::string{"c1"}, std::string{"two"}, std::string{"admin"});
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK_EQUAL(a->value->group, "two");
  CAF_CHECK_EQUAL(a->value->applications.front().name, "mail");
}

CAF_TEST(a revocation ends the pull) {
  const auto a = pull("c1", certificate, version, 30s);
  ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(a->cause(), "connector_revoked");
}

CAF_TEST(the version survives a restart) {
  start();
  CAF_CHECK(pull("c1", certificate)->value->version == version);
  CAF_CHECK(pull("c1", certificate, version, 30s)->pending());
}

CAF_TEST(a newer pull of the same process replaces the older one) {
  const auto older = pull("c1", certificate, version, 30s);
  const auto newer = pull("c1", certificate, version, 30s);
  CAF_CHECK_EQUAL(older->cause(), "answered");
  CAF_CHECK(newer->pending());
}

CAF_TEST(only so many pulls of one connector wait) {
  std::vector<answer_ptr<connector_configuration>> pulls;
  for (size_t i = 0; i <= largest_pull_count_per_connector; ++i)
    pulls.push_back(pull("c1", certificate, version, 30s, "i" + std::to_string(i)));
  CAF_CHECK_EQUAL(pulls.front()->cause(), "answered");
  for (size_t i = 1; i < pulls.size(); ++i)
    CAF_CHECK(pulls[i]->pending());
}

CAF_TEST(whoever waits when the registry ends is told) {
  const auto a = pull("c1", certificate, version, 30s);
  caf::anon_send_exit(registry, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK_EQUAL(a->cause(), "registry_ended");
}

// -- renewal --------------------------------------------------------------------------------------

CAF_TEST(after 180 days the connector is told to renew and afterwards no more) {
  wall.advance(180 * day);
  CAF_CHECK(!pull("c1", certificate, version)->value->renew_certificate);
  wall.advance(1s);
  const auto due = pull("c1", certificate, version, 30s);
  CAF_REQUIRE(due->value.has_value());  // at once, although nothing else has changed
  CAF_CHECK(due->value->renew_certificate);
  CAF_CHECK(due->value->version != version);

  enrol("c1", "bb");
  const auto renewed = authority.sign("c1", "bb", wall.now());
  const auto after = pull("c1", renewed, due->value->version, 30s);
  CAF_REQUIRE(after->value.has_value());
  CAF_CHECK(!after->value->renew_certificate);
  CAF_CHECK_EQUAL(after->value->version, version);
}

CAF_TEST(a certificate that comes of age while the pull waits is told at its end) {
  wall.advance(180 * day - 10s);
  const auto a = pull("c1", certificate, version, 30s);
  wall.advance(30s);
  pass(30s + pull_grain);
  CAF_REQUIRE(a->value.has_value());
  CAF_CHECK(a->value->renew_certificate);
}

CAF_TEST(a renewal keeps the tunnels of the old certificate) {
  attach("c1", "aa");
  enrol("c1", "bb");
  CAF_CHECK_EQUAL(status("c1").tunnels, 1u);
  CAF_CHECK(attach("c1", "bb")->value.has_value());
  CAF_CHECK(attach("c1", "aa")->value.has_value());
  CAF_CHECK(cuts->empty());
}

CAF_TEST(the list shows when the certificate expires) {
  CAF_CHECK(status("c1").certificate_expires == wall.now() + 365 * day);
}

// -- two holders ----------------------------------------------------------------------------------

CAF_TEST(a restarted connector raises no alarm) {
  auto tunnel = attach("c1", "aa", "old");
  pull("c1", certificate, version, 30s, "old");
  pass(10s);
  tell(*tunnel->value, closed_atom_v, std::string{"killed"});
  pull("c1", certificate, 0, 0s, "new");
  attach("c1", "aa", "new");
  for (int i = 0; i < 10; ++i) {
    pass(15s);
    pull("c1", certificate, version, 0s, "new");
  }
  CAF_CHECK_EQUAL(count_events("duplicate_identity"), 0u);
  CAF_CHECK(!status("c1").duplicate);
}

CAF_TEST(two processes that keep pulling raise one alarm and are marked while it lasts) {
  for (int i = 0; i < 5; ++i) {
    pull("c1", certificate, version, 0s, "here");
    pass(10s);
    pull("c1", certificate, version, 0s, "there");
    pass(10s);
  }
  CAF_CHECK_EQUAL(count_events("duplicate_identity"), 1u);
  const auto alarm = std::find_if(events->begin(), events->end(),
                                  [](const auto& e) { return e.category == "alarm"; });
  CAF_REQUIRE(alarm != events->end());
  CAF_CHECK_EQUAL(alarm->actor, "c1");
  CAF_CHECK(status("c1").duplicate);
  for (int i = 0; i < 5; ++i) {
    pass(20s);
    pull("c1", certificate, version, 0s, "here");
  }
  CAF_CHECK(!status("c1").duplicate);
}

CAF_TEST(two processes that hold tunnels raise the alarm) {
  attach("c1", "aa", "here");
  attach("c1", "aa", "there");
  CAF_CHECK_EQUAL(count_events("duplicate_identity"), 0u);
  attach("c1", "aa", "here");
  CAF_CHECK_EQUAL(count_events("duplicate_identity"), 1u);
  CAF_CHECK(status("c1").duplicate);
}

// -- drains ---------------------------------------------------------------------------------------

CAF_TEST(a drained connector learns it at once and again after a restart of the registry) {
  enrol("c1", "aa");
  const auto shown = authority.sign("c1", "aa", wall.now());
  const auto before = *pull("c1", shown)->value;
  CAF_CHECK(!before.drained);
  const auto waiting = pull("c1", shown, before.version, 30s);
  CAF_CHECK(!waiting->value);
  const auto drain = [&](bool drained) {
    return ask_void(registry, drain_atom_v, std::string{"c1"}, drained, std::string{"admin"})
        ->cause();
  };
  CAF_CHECK_EQUAL(drain(true), "answered");
  CAF_REQUIRE(waiting->value.has_value());
  CAF_CHECK(waiting->value->drained);
  CAF_CHECK(status("c1").drained);
  CAF_CHECK_EQUAL(count_events("connector_drained"), 1u);
  CAF_CHECK_EQUAL(drain(true), "answered");
  CAF_CHECK_EQUAL(count_events("connector_drained"), 1u);
  start();
  CAF_CHECK(pull("c1", shown)->value->drained);
  CAF_CHECK_EQUAL(drain(false), "answered");
  const auto after = *pull("c1", shown)->value;
  CAF_CHECK(!after.drained);
  CAF_CHECK_EQUAL(after.version, before.version);
  CAF_CHECK_EQUAL(count_events("connector_resumed"), 1u);
}

CAF_TEST(what another node drains is known without being asked) {
  enrol("c1", "aa");
  CAF_REQUIRE(disk->commit({{.kind = drain_kind, .key = "c1", .value = "admin"}}).has_value());
  consume_messages();
  CAF_CHECK(status("c1").drained);
}

CAF_TEST(nobody drains a connector that is unknown or revoked or while the store is down) {
  const auto drain = [&](const char* id) {
    return ask_void(registry, drain_atom_v, std::string{id}, true, std::string{"admin"})->cause();
  };
  CAF_CHECK_EQUAL(drain("nobody"), "connector_unknown");
  enrol("c1", "aa");
  disk->broken = true;
  CAF_CHECK_EQUAL(drain("c1"), "store_down");
  disk->broken = false;
  CAF_CHECK(!status("c1").drained);
  ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(drain("c1"), "connector_revoked");
}

CAF_TEST_FIXTURE_SCOPE_END()
