#define CAF_SUITE connector_registry_records
// Changes of records where two meet: what connector_registry.cpp leaves open.
#include "actors/connector_registry.hpp"
#include "tests/unit/actors/registry_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::error_category;

namespace {

struct records_fixture : registry_fixture {
  std::string move(const std::string& id, const std::string& group) {
    return ask_void(registry, apply_atom_v, id, group, std::string{"admin"})->cause();
  }
  std::string revoke(const std::string& id) {
    return ask_void(registry, revoke_atom_v, id, std::string{"admin"})->cause();
  }
  /// Writes a record past the registry, as another node does; the news of it are late.
  void write_elsewhere(const std::string& key, const connector_record& r) {
    disk->quiet = true;
    CAF_REQUIRE(
        disk->commit(
                {{.kind = connector_kind, .key = key, .value = postern::runtime::encode_blob(r)}})
            .has_value());
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(connector_registry_records_tests, records_fixture)

CAF_TEST(a record without an id is refused and not written) {
  const auto commits = disk->commits;
  CAF_CHECK_EQUAL(enrol("", "aa"), "connector_without_id");
  CAF_CHECK_EQUAL(disk->commits, commits);
  CAF_CHECK(!record("").has_value());
}

CAF_TEST(a record under another key than its id is refused) {
  enrol("c1", "aa");
  auto forged = *record("c1");
  forged.revoked = true;
  write_elsewhere("c2", forged);
  start();
  CAF_REQUIRE(record("c1").has_value());
  CAF_CHECK(!record("c1")->revoked);
  CAF_CHECK(!record("c2").has_value());
}

CAF_TEST(nobody moves a connector that is unknown or revoked) {
  CAF_CHECK_EQUAL(move("nobody", "two"), "connector_unknown");
  enrol("c1", "aa");
  revoke("c1");
  CAF_CHECK_EQUAL(move("c1", "two"), "connector_revoked");
  CAF_CHECK(record("c1")->group == "one");
  CAF_CHECK_EQUAL(count_events("connector_moved"), 0u);
}

CAF_TEST(what is so already is neither written nor audited again) {
  enrol("c1", "aa");
  revoke("c1");
  enrol("c2", "bb");
  move("c2", "two");
  const auto commits = disk->commits;
  CAF_CHECK_EQUAL(revoke("c1"), "answered");
  CAF_CHECK_EQUAL(move("c2", "two"), "answered");
  CAF_CHECK_EQUAL(disk->commits, commits);
  CAF_CHECK_EQUAL(count_events("connector_revoked"), 1u);
  CAF_CHECK_EQUAL(count_events("connector_moved"), 1u);
}

CAF_TEST(a move is audited with who did it and where to) {
  enrol("c1", "aa");
  move("c1", "two");
  CAF_REQUIRE_EQUAL(count_events("connector_moved"), 1u);
  const auto event = events->back();
  CAF_CHECK_EQUAL(event.actor, "admin");
  CAF_CHECK_EQUAL(event.target, "c1");
  CAF_CHECK_EQUAL(event.outcome, "success");
  CAF_CHECK(event.detail.find("two") != std::string::npos);
}

CAF_TEST(a change that another node forestalled is refused and can be made again) {
  enrol("c1", "aa");
  attach("c1", "aa");
  auto moved = *record("c1");
  moved.group = "two";
  write_elsewhere("c1", moved);
  const auto refused = ask_void(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_REQUIRE(refused->failure.has_value());
  CAF_CHECK(refused->failure->category == error_category::conflict);
  CAF_CHECK(cuts->empty());
  CAF_CHECK(!record("c1")->revoked);
  CAF_CHECK(record("c1")->group == "two");
  CAF_CHECK_EQUAL(place(subscribe(), "two"), "c1");
  CAF_CHECK_EQUAL(revoke("c1"), "answered");
  CAF_CHECK_EQUAL(cuts->size(), 1u);
}

CAF_TEST(a change that fails holds up none behind it) {
  enrol("c1", "aa");
  auto moved = *record("c1");
  moved.group = "two";
  write_elsewhere("c1", moved);
  caf::anon_send(registry, revoke_atom_v, std::string{"c1"}, std::string{"admin"});
  CAF_CHECK_EQUAL(enrol("c2", "bb"), "answered");
  CAF_CHECK(record("c2").has_value());
  CAF_CHECK(!record("c1")->revoked);
}

CAF_TEST(the certificate of the last pull counts however often it is renewed) {
  enrol("c1", "aa");
  CAF_REQUIRE_EQUAL(pull("c1", authority.sign("c1", "aa", wall.now()))->cause(), "answered");
  for (size_t i = 0; i < 2 * largest_serial_count; ++i)
    CAF_REQUIRE_EQUAL(enrol("c1", "e" + std::to_string(i)), "answered");
  const auto serials = record("c1")->serials;
  CAF_CHECK_EQUAL(serials.size(), largest_serial_count);
  CAF_CHECK_EQUAL(serials.front(), "aa");
}

CAF_TEST(a queue that crashes takes its numbers from the list and nothing else) {
  enrol("c1", "aa", "one");
  enrol("c2", "bb", "two");
  attach("c1", "aa");
  attach("c2", "bb");
  const auto routing = subscribe();
  CAF_REQUIRE_EQUAL(place(routing, "one"), "c1");
  CAF_REQUIRE_EQUAL(place(routing, "two"), "c2");
  caf::anon_send_exit(routing->queues.at("one"), caf::exit_reason::kill);
  // The registry asks its queues before it hears that one has ended.
  auto response = self->request(registry, 5s, list_atom_v);
  CAF_REQUIRE(sched.prioritize(registry));
  sched.run_once();
  consume_messages();
  CAF_REQUIRE(!self->mailbox().empty());
  response.receive(
      [](const std::vector<connector_status>& all) {
        CAF_REQUIRE_EQUAL(all.size(), 2u);
        CAF_CHECK(all[0].connected && all[1].connected);
        CAF_CHECK_EQUAL(all[0].exchanges, 0u);
        CAF_CHECK_EQUAL(all[1].exchanges, 1u);
      },
      [](const caf::error&) { CAF_FAIL("refused"); });
}

CAF_TEST_FIXTURE_SCOPE_END()
