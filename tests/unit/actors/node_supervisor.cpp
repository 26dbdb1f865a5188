#define CAF_SUITE node_supervisor
#include "actors/node_supervisor.hpp"

#include "actors/timeouts.hpp"
#include "tests/unit/actors/session_samples.hpp"

using namespace postern::actors;
using namespace postern::actors::testing;

namespace {

using told_handles = std::shared_ptr<std::vector<node_handles_ptr>>;

handles_subscriber_actor::behavior_type recording_follower(handles_subscriber_actor::pointer,
                                                           told_handles told) {
  return {[told](update_atom, const node_handles_ptr& fresh) { told->push_back(fresh); }};
}

key_source_actor::behavior_type empty_key_source(key_source_actor::pointer) {
  return {[](fetch_atom, const std::string&) { return std::string{R"({"keys":[]})"}; }};
}

struct supervisor_fixture : store_fixture {
  node_supervisor_actor subject = start(node_supervisor, environment());
  told_handles told = std::make_shared<std::vector<node_handles_ptr>>();

  supervisor_fixture() {
    ask<node_handles_ptr>(subject, subscribe_atom_v, start(recording_follower, told));
  }

  node_environment environment() {
    return {.store = medium,
            .key_source = start(empty_key_source),
            .tunnel_control =
                start(recording_tunnel_control, std::make_shared<std::vector<cut_tunnel>>()),
            .clock = &clock,
            .random = &random,
            .wrapping_keys = std::make_shared<const postern::runtime::key_ring>(
                std::vector{postern::runtime::make_sealing_key(random)}, random),
            .detached_store = false};
  }
  node_handles handles() { return *value_of(ask<node_handles_ptr>(subject, lookup_atom_v)); }
  template <class Handle>
  void crash(const Handle& handle) {
    caf::anon_send_exit(handle, caf::exit_reason::kill);
    consume_messages();
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(node_supervisor_tests, supervisor_fixture)

CAF_TEST(all children run and know each other) {
  const auto all = handles();
  CAF_CHECK_EQUAL(ask<published_ptr>(all.configuration, lookup_atom_v)->cause(), "answered");
  CAF_CHECK_EQUAL(ask<std::string>(all.authority, lookup_atom_v)->cause(), "answered");
  CAF_CHECK_EQUAL(ask<std::vector<connector_status>>(all.connectors, list_atom_v)->cause(),
                  "answered");
  CAF_CHECK_EQUAL(ask<user_session_actor>(all.sessions, wake_atom_v, sample_session("s1"))->cause(),
                  "answered");
  CAF_CHECK_EQUAL(ask<std::vector<audit_event>>(all.audit, list_atom_v, audit_query{})->cause(),
                  "answered");
}

CAF_TEST(a crash restarts the child and those who held its handle) {
  const auto before = handles();
  crash(before.configuration);
  advance_time(first_restart_pause);
  consume_messages();
  const auto after = handles();
  CAF_CHECK(after.configuration != before.configuration);
  CAF_CHECK(after.connectors != before.connectors);
  CAF_CHECK(after.authority != before.authority);
  CAF_CHECK(after.store == before.store);
  CAF_CHECK(after.sessions == before.sessions);
  CAF_CHECK(after.tokens == before.tokens);
  CAF_CHECK(!is_alive(before.authority.address()));
  CAF_CHECK_EQUAL(ask<std::string>(after.authority, lookup_atom_v)->cause(), "answered");
  CAF_REQUIRE_EQUAL(told->size(), 1u);
  CAF_CHECK(told->back()->configuration == after.configuration);
}

CAF_TEST(nothing restarts before the pause is over) {
  crash(handles().tokens);
  advance_time(first_restart_pause - 1ms);
  consume_messages();
  CAF_CHECK(told->empty());
  advance_time(1ms);
  consume_messages();
  CAF_CHECK_EQUAL(told->size(), 1u);
}

CAF_TEST(what was answered survives the crash of the store) {
  const auto before = handles();
  ask<change_report>(before.configuration, apply_atom_v,
                     change_request{.groups = {{"berlin"}}, .applications = {sample("wiki")}});
  const auto authority = value_of(ask<std::string>(before.authority, lookup_atom_v));
  crash(before.store);
  advance_time(first_restart_pause);
  consume_messages();
  const auto after = handles();
  CAF_CHECK(after.store != before.store);
  const auto published = value_of(ask<published_ptr>(after.configuration, lookup_atom_v));
  CAF_CHECK(published->find_application("wiki") != nullptr);
  CAF_CHECK(value_of(ask<std::string>(after.authority, lookup_atom_v)) == authority);
}

CAF_TEST(a store that is down at the start is waited for) {
  medium->down = true;
  crash(handles().store);
  for (int i = 0; i < 20; ++i)
    pass_both(5s);
  medium->down = false;
  pass_both(10s);
  pass_both(10s);
  const auto all = handles();
  CAF_CHECK_EQUAL(ask<published_ptr>(all.configuration, lookup_atom_v)->cause(), "answered");
  CAF_CHECK_EQUAL(ask<std::string>(all.authority, lookup_atom_v)->cause(), "answered");
  CAF_CHECK_EQUAL(ask<std::vector<connector_status>>(all.connectors, list_atom_v)->cause(),
                  "answered");
}

CAF_TEST(told to shut it ends everybody and loses no audit event) {
  const auto all = handles();
  tell(all.audit, record_atom_v, audit_event{.action = "last_words"});
  tell(subject, shut_atom_v);
  for (const auto& address : {all.store.address(), all.audit.address(), all.configuration.address(),
                              all.tokens.address(), all.sessions.address(),
                              all.connectors.address(), all.authority.address(), subject.address()})
    CAF_CHECK(!is_alive(address));
  const auto journal = medium->read_journal("audit", 0, 10).value();
  CAF_CHECK_EQUAL(journal.size(), 1u);
}

CAF_TEST(a crash during the shut down holds up nobody) {
  const auto all = handles();
  caf::anon_send(all.audit, record_atom_v, audit_event{.action = "last_words"});
  caf::anon_send(subject, shut_atom_v);
  caf::anon_send_exit(all.connectors, caf::exit_reason::kill);
  consume_messages();
  for (const auto& address : {all.store.address(), all.audit.address(), all.connectors.address(),
                              all.authority.address(), all.cluster.address(), subject.address()})
    CAF_CHECK(!is_alive(address));
  CAF_CHECK_EQUAL(medium->read_journal("audit", 0, 10).value().size(), 1u);
}

CAF_TEST(an exit message shuts like the shut message) {
  const auto all = handles();
  caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
  consume_messages();
  CAF_CHECK(!is_alive(all.store.address()));
  CAF_CHECK(!is_alive(subject.address()));
}

CAF_TEST(its own crash leaves nobody behind) {
  const auto all = handles();
  crash(subject);
  CAF_CHECK(!is_alive(all.store.address()));
  CAF_CHECK(!is_alive(all.connectors.address()));
}

CAF_TEST_FIXTURE_SCOPE_END()
