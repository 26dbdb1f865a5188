#define CAF_SUITE audit_log
#include "actors/audit_log.hpp"

#include "tests/unit/actors/store_fixture.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

struct audit_fixture : store_fixture {
  void record(size_t count, const std::string& action = "a") {
    for (size_t i = 0; i < count; ++i)
      caf::anon_send(audit, record_atom_v, audit_event{.action = action});
    consume_messages();
  }

  size_t written() { return medium->read_journal(audit_journal, 0, 100'000).value().size(); }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(audit_log_tests, audit_fixture)

CAF_TEST(events wait for company but not longer than a second) {
  record(audit_batch - 1);
  CAF_CHECK_EQUAL(written(), 0u);
  pass_both(1s);
  CAF_CHECK_EQUAL(written(), audit_batch - 1);
}

CAF_TEST(a full batch is written at once) {
  record(audit_batch);
  CAF_CHECK_EQUAL(written(), audit_batch);
}

CAF_TEST(a list sees what was recorded before it and newest first) {
  record(1, "first");
  record(1, "second");
  const auto events = audited();
  CAF_REQUIRE_EQUAL(events.size(), 2u);
  CAF_CHECK_EQUAL(events[0].action, "second");
  CAF_CHECK(events[0].at == clock.now());
}

CAF_TEST(a list that comes during a write sees what came during the write) {
  caf::anon_send(audit, record_atom_v, audit_event{.action = "first"});
  caf::anon_send(audit, tick_atom_v);
  caf::anon_send(audit, record_atom_v, audit_event{.action = "second"});
  const auto events = audited();
  CAF_REQUIRE_EQUAL(events.size(), 2u);
  CAF_CHECK_EQUAL(events[0].action, "second");
}

CAF_TEST(nothing is lost while the store is down) {
  medium->down = true;
  record(200);
  pass_both(1s);
  pass_both(1s);
  CAF_CHECK_EQUAL(ask<std::vector<audit_event>>(audit, list_atom_v, audit_query{})->cause(),
                  "store_failed");
  medium->down = false;
  pass_both(1s);
  CAF_CHECK_EQUAL(written(), 200u);
}

CAF_TEST(a long outage is told of by the log itself) {
  medium->down = true;
  record(audit_limit + 10);
  medium->down = false;
  pass_both(1s);
  CAF_CHECK_EQUAL(last_audited("audit_events_dropped").detail, "10 events");
}

CAF_TEST(told to exit it writes what it holds) {
  record(3);
  caf::anon_send_exit(audit, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK_EQUAL(written(), 3u);
  CAF_CHECK(!is_alive(audit.address()));
}

CAF_TEST(told to exit without a store it ends all the same) {
  record(3);
  medium->down = true;
  caf::anon_send_exit(audit, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK(!is_alive(audit.address()));
}

CAF_TEST_FIXTURE_SCOPE_END()
