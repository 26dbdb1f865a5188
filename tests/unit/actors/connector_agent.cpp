#define CAF_SUITE connector_agent
#include "actors/connector_agent.hpp"

#include "actors/full_jitter.hpp"
#include "tests/unit/actors/connector_fixture.hpp"

#include <algorithm>
#include <set>

using namespace postern::actors;
using namespace postern::actors::testing;
using postern::runtime::error;
using postern::runtime::error_category;

namespace {

const error none{error_category::none, {}, {}, {}};
const error broken{error_category::unavailable, "unreachable", "service", {}};

/// What the agent asked for since somebody looked.
struct io_log {
  std::vector<uint32_t> dialled;
  std::vector<std::pair<uint32_t, std::string>> summoned;
  std::vector<uint32_t> drained;
  std::vector<std::pair<uint64_t, milliseconds>> pulled;
  std::vector<uint64_t> updated;
  int renewals = 0;
};

connector_io_actor::behavior_type recording_io(connector_io_actor::pointer,
                                               std::shared_ptr<io_log> log) {
  return {
      [log](dial_atom, uint32_t slot) { log->dialled.push_back(slot); },
      [log](dial_atom, uint32_t slot, const std::string& node) {
        log->summoned.emplace_back(slot, node);
      },
      [log](drain_atom, uint32_t slot) { log->drained.push_back(slot); },
      [log](pull_atom, uint64_t known, milliseconds wait) {
        log->pulled.emplace_back(known, wait);
      },
      [log](renew_atom) { ++log->renewals; },
      [log](update_atom, const connector_configuration& c) { log->updated.push_back(c.version); },
  };
}

struct agent_fixture : fixture {
  std::shared_ptr<io_log> log = std::make_shared<io_log>();
  connector_io_actor io = own(sys.spawn(recording_io, log));
  postern::runtime::seeded_random_source random{7};
  connector_agent_actor agent =
      own(sys.spawn(connector_agent, connector_agent_dependencies{io, &random}));

  agent_fixture() { consume_messages(); }

  void configure(uint64_t version, uint32_t tunnels, bool renew = false, bool drained = false) {
    auto c = std::make_shared<connector_configuration>();
    c->version = version;
    c->tunnels = tunnels;
    c->renew_certificate = renew;
    c->drained = drained;
    tell(agent, pulled_atom_v, pull_outcome{c, none});
  }
  void answer_unmodified() { tell(agent, pulled_atom_v, pull_outcome{nullptr, none}); }
  void fail_pull() { tell(agent, pulled_atom_v, pull_outcome{nullptr, broken}); }
  void open(uint32_t slot) { tell(agent, opened_atom_v, slot); }
  void close(uint32_t slot) { tell(agent, closed_atom_v, slot, broken); }
  /// Started, configured and every tunnel up; the log is empty.
  void bring_up(uint32_t tunnels) {
    tell(agent, start_atom_v);
    configure(1, tunnels);
    for (uint32_t i = 0; i < tunnels; ++i)
      open(i);
    *log = {};
  }
  agent_status status() {
    const auto s = ask<agent_status>(agent, lookup_atom_v);
    CAF_REQUIRE(s->value.has_value());
    return *s->value;
  }
  /// Passes time until the agent dials; how long it took.
  milliseconds until_dial(milliseconds at_most) {
    const auto before = log->dialled.size();
    auto waited = 0ms;
    for (; log->dialled.size() == before && waited <= at_most; waited += 1ms)
      pass(1ms);
    CAF_REQUIRE(log->dialled.size() > before);
    return waited;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(connector_agent_tests, agent_fixture)

CAF_TEST(it does nothing before it is started) {
  pass(60s);
  CAF_CHECK(log->pulled.empty());
  CAF_CHECK(log->dialled.empty());
}

CAF_TEST(it pulls first and dials and is ready only after the first configuration) {
  tell(agent, start_atom_v);
  CAF_REQUIRE_EQUAL(log->pulled.size(), 1u);
  CAF_CHECK_EQUAL(log->pulled[0].first, 0u);
  CAF_CHECK(log->pulled[0].second == 0ms);
  CAF_CHECK(log->dialled.empty());
  CAF_CHECK(!status().ready);
  configure(17, 2);
  CAF_CHECK(log->updated == (std::vector<uint64_t>{17}));
  CAF_CHECK(log->dialled == (std::vector<uint32_t>{0, 1}));
  CAF_CHECK(status().ready);
  CAF_CHECK(status().configuration_version == 17);
}

CAF_TEST(started twice it pulls once) {
  tell(agent, start_atom_v);
  tell(agent, start_atom_v);
  CAF_CHECK_EQUAL(log->pulled.size(), 1u);
}

CAF_TEST(after a configuration it pulls again and waits for a change) {
  tell(agent, start_atom_v);
  configure(17, 1);
  pass(pull_spacing);
  CAF_REQUIRE_EQUAL(log->pulled.size(), 2u);
  CAF_CHECK_EQUAL(log->pulled[1].first, 17u);
  CAF_CHECK(log->pulled[1].second == pull_wait);
  pass(30s);
  answer_unmodified();
  consume_messages();
  pass(1ms);
  CAF_CHECK_EQUAL(log->pulled.size(), 3u);
}

CAF_TEST(a node that never waits is not pulled in a loop) {
  tell(agent, start_atom_v);
  configure(17, 1);
  for (int i = 0; i < 200; ++i) {
    pass(50ms, 50ms);
    answer_unmodified();
  }
  CAF_CHECK(log->pulled.size() <= 12);
  CAF_CHECK(log->pulled.size() >= 9);
}

CAF_TEST(failed pulls back off with full jitter) {
  tell(agent, start_atom_v);
  for (unsigned failures = 1; failures <= 12; ++failures) {
    const auto before = log->pulled.size();
    fail_pull();
    pass(back_off_bound(pull_back_off, pull_back_off_cap, failures) + 1ms);
    CAF_REQUIRE_EQUAL(log->pulled.size(), before + 1);
  }
  CAF_CHECK(!status().ready);
}

CAF_TEST(a failed pull keeps the tunnels) {
  bring_up(2);
  pass(pull_spacing);
  fail_pull();
  pass(40s);
  CAF_CHECK_EQUAL(status().tunnels_open, 2u);
  CAF_CHECK(log->drained.empty());
  CAF_CHECK(status().ready);
}

CAF_TEST(a lost tunnel is dialled again within its jitter) {
  bring_up(2);
  pass(stable_after);
  close(1);
  CAF_CHECK_EQUAL(status().tunnels_open, 1u);
  CAF_CHECK(until_dial(dial_back_off) <= dial_back_off + 1ms);
  CAF_CHECK(log->dialled == (std::vector<uint32_t>{1}));
}

CAF_TEST(every failure doubles the bound of the wait up to the cap) {
  bring_up(1);
  std::set<milliseconds> waits;
  close(0);
  for (unsigned failures = 1; failures <= 15; ++failures) {
    const auto bound = back_off_bound(dial_back_off, dial_back_off_cap, failures);
    const auto waited = until_dial(dial_back_off_cap + 1ms);
    CAF_CHECK(waited <= bound + 1ms);
    waits.insert(waited);
    close(0);
  }
  CAF_CHECK(waits.size() > 10);
  CAF_CHECK(*waits.rbegin() > 10'000ms);
}

CAF_TEST(a tunnel that ends at once counts as a failure and a stable one starts anew) {
  bring_up(1);
  milliseconds longest{0};
  for (int i = 0; i < 10; ++i) {
    close(0);
    longest = std::max(longest, until_dial(dial_back_off_cap + 1ms));
    open(0);
  }
  CAF_CHECK(longest > 2 * dial_back_off);
  for (int i = 0; i < 10; ++i) {
    pass(stable_after);
    close(0);
    CAF_CHECK(until_dial(dial_back_off_cap + 1ms) <= dial_back_off + 1ms);
    open(0);
  }
}

CAF_TEST(more tunnels are dialled and fewer are drained when the configuration says so) {
  bring_up(2);
  pass(pull_spacing);
  configure(2, 4);
  CAF_CHECK(log->dialled == (std::vector<uint32_t>{2, 3}));
  open(2);
  *log = {};
  pass(pull_spacing);
  configure(3, 1);
  CAF_CHECK(log->drained == (std::vector<uint32_t>{1, 2}));
  open(3);  // was still dialling when it fell out of use
  CAF_CHECK(log->drained == (std::vector<uint32_t>{1, 2, 3}));
  for (const uint32_t slot : {1U, 2U, 3U})
    close(slot);
  pass(60s);
  CAF_CHECK(log->dialled.empty());
  CAF_CHECK_EQUAL(status().tunnels_open, 1u);
}

CAF_TEST(a slot that is wanted again while it drains is dialled once it has ended) {
  bring_up(2);
  pass(pull_spacing);
  configure(2, 1);
  pass(pull_spacing);
  configure(3, 2);
  CAF_CHECK(log->dialled.empty());
  close(1);
  CAF_CHECK(log->dialled == (std::vector<uint32_t>{1}));
}

CAF_TEST(a back - off that is no longer wanted ends) {
  bring_up(2);
  pass(pull_spacing);
  close(1);
  configure(2, 1);  // at once: the back-off of slot 1 cannot be over
  CAF_CHECK(log->dialled.empty());
  pass(60s);
  CAF_CHECK(log->dialled.empty());
  CAF_CHECK(log->drained.empty());
}

CAF_TEST(it renews once when told and not again for the same answer) {
  tell(agent, start_atom_v);
  configure(5, 1, true);
  CAF_CHECK_EQUAL(log->renewals, 1);
  pass(pull_spacing);
  configure(5, 1, true);
  CAF_CHECK_EQUAL(log->renewals, 1);  // one flight at a time
  tell(agent, renewed_atom_v, none);
  pass(pull_spacing);
  configure(5, 1, true);  // of a pull that was made with the old certificate
  CAF_CHECK_EQUAL(log->renewals, 1);
  pass(pull_spacing);
  configure(6, 1, false);
  pass(5min, 30s);
  answer_unmodified();
  CAF_CHECK_EQUAL(log->renewals, 1);
}

CAF_TEST(a renewal keeps the tunnels) {
  bring_up(2);
  pass(pull_spacing);
  configure(5, 2, true);
  tell(agent, renewed_atom_v, none);
  pass(60s);
  CAF_CHECK_EQUAL(status().tunnels_open, 2u);
  CAF_CHECK(log->drained.empty());
  CAF_CHECK(log->dialled.empty());
}

CAF_TEST(a failed renewal is tried again at most hourly in the long run) {
  tell(agent, start_atom_v);
  configure(5, 1, true);
  for (int round = 0; round < 20; ++round) {
    const auto before = log->renewals;
    tell(agent, renewed_atom_v, broken);
    auto waited = 0s;
    for (; log->renewals == before && waited <= 2h; waited += 30s) {
      pass(30s, 30s);
      answer_unmodified();
    }
    CAF_CHECK(waited <= renew_back_off_cap + 60s);
  }
  CAF_CHECK_EQUAL(log->renewals, 21);
}

CAF_TEST(draining ends every tunnel and dials and pulls no more) {
  bring_up(2);
  close(1);
  tell(agent, drain_atom_v);
  CAF_CHECK(log->drained == (std::vector<uint32_t>{0}));
  CAF_CHECK(status().draining);
  CAF_CHECK(!status().ready);
  CAF_CHECK_EQUAL(status().tunnels_open, 1u);
  close(0);
  CAF_CHECK_EQUAL(status().tunnels_open, 0u);
  pass(120s);
  CAF_CHECK(log->dialled.empty());
  CAF_CHECK(log->pulled.empty());
}

CAF_TEST(drained while it dials it ends the tunnel as soon as it is up) {
  tell(agent, start_atom_v);
  configure(1, 1);
  tell(agent, drain_atom_v);
  CAF_CHECK(log->drained.empty());
  open(0);
  CAF_CHECK(log->drained == (std::vector<uint32_t>{0}));
}

CAF_TEST(drained before it was started it stays quiet) {
  tell(agent, drain_atom_v);
  tell(agent, start_atom_v);
  pass(60s);
  CAF_CHECK(log->pulled.empty());
}

CAF_TEST(reports about slots that nobody dialled are ignored) {
  bring_up(1);
  open(0);
  open(99);
  close(99);
  CAF_CHECK_EQUAL(status().tunnels_open, 1u);
}

CAF_TEST(it ends with its io) {
  caf::anon_send_exit(io, caf::exit_reason::kill);
  consume_messages();
  CAF_CHECK(!is_alive(agent.address()));
}

CAF_TEST(a node that asks gets as many tunnels as the service and keeps them) {
  bring_up(2);
  tell(agent, summon_atom_v, std::string{"192.0.2.2:443"});
  CAF_REQUIRE_EQUAL(log->summoned.size(), 2u);
  CAF_CHECK_EQUAL(log->summoned[0].second, "192.0.2.2:443");
  const auto first = log->summoned[0].first;
  const auto second = log->summoned[1].first;
  tell(agent, summon_atom_v, std::string{"192.0.2.2:443"});
  CAF_CHECK_EQUAL(log->summoned.size(), 2u);
  open(first);
  open(second);
  CAF_CHECK_EQUAL(status().tunnels_open, 4u);
  // One that ends is not dialled again by itself, but when the node asks again.
  close(first);
  pass(60s);
  CAF_CHECK_EQUAL(log->summoned.size(), 2u);
  tell(agent, summon_atom_v, std::string{"192.0.2.2:443"});
  CAF_CHECK_EQUAL(log->summoned.size(), 3u);
}

CAF_TEST(a summons to nowhere is left alone) {
  bring_up(1);
  for (const auto* nowhere : {"", "example.com:443", "192.0.2.2", "192.0.2.2:0"})
    tell(agent, summon_atom_v, std::string{nowhere});
  CAF_CHECK(log->summoned.empty());
}

CAF_TEST(who leaves ends the tunnels that were asked for and makes no others) {
  bring_up(1);
  tell(agent, summon_atom_v, std::string{"192.0.2.2:443"});
  tell(agent, summon_atom_v, std::string{"192.0.2.3:443"});
  const auto up = log->summoned[0].first;
  const auto late = log->summoned[1].first;
  open(up);
  tell(agent, drain_atom_v);
  CAF_CHECK(std::ranges::count(log->drained, up) == 1);
  open(late);
  CAF_CHECK(std::ranges::count(log->drained, late) == 1);
  tell(agent, summon_atom_v, std::string{"192.0.2.4:443"});
  CAF_CHECK_EQUAL(log->summoned.size(), 2u);
}

CAF_TEST(a drained connector ends every tunnel and dials again when it is resumed) {
  tell(agent, start_atom_v);
  configure(1, 2);
  tell(agent, opened_atom_v, uint32_t{0});
  tell(agent, summon_atom_v, std::string{"192.0.2.9:443"});
  CAF_REQUIRE_EQUAL(log->summoned.size(), 2u);
  const auto summoned = log->summoned[0].first;
  tell(agent, opened_atom_v, summoned);
  pass(pull_spacing);
  *log = {};
  configure(2, 2, false, true);
  CAF_REQUIRE(log->drained == (std::vector<uint32_t>{0, summoned}));
  // One was being dialled meanwhile; a node asks for more.
  tell(agent, opened_atom_v, uint32_t{1});
  CAF_CHECK_EQUAL(log->drained.back(), 1u);
  tell(agent, summon_atom_v, std::string{"192.0.2.10:443"});
  CAF_CHECK(log->summoned.empty());
  for (const uint32_t slot : {0U, 1U, summoned})
    tell(agent, closed_atom_v, slot, none);
  CAF_CHECK(log->dialled.empty());
  pass(pull_spacing);
  configure(3, 2);
  CAF_CHECK(log->dialled == (std::vector<uint32_t>{0, 1}));
  tell(agent, summon_atom_v, std::string{"192.0.2.10:443"});
  CAF_CHECK_EQUAL(log->summoned.size(), 2u);
}

CAF_TEST_FIXTURE_SCOPE_END()
