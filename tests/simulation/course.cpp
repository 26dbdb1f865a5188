// The course of a run: faults, the end of them, what has to be well again by when, and the end.
#include "tests/simulation/world.hpp"

#include <algorithm>

namespace postern::simulation {

namespace {

/// The end of every exchange that was accepted: its patience, the queue's, and a silent tunnel's.
constexpr std::chrono::seconds end_bound{60};
/// What a node waits for its exchanges, what comes before that, and its start.
constexpr std::chrono::seconds longest_drain{65};
/// Longer than any exchange waits for a connector: whatever held for so long held all the while.
constexpr std::chrono::seconds whole_wait{20};

}  // namespace

world_report world::run() {
  build();
  const auto begun = time_.now();
  keep_asking(begun + scenario_.duration);
  plan_faults();
  run_until(begun + scenario_.duration);
  recover();
  if (scenario_.days > 0) leap_days();
  if (scenario_.expect_no_failure)
    for (const auto& [outcome, count] : book_.outcomes())
      book_.require(outcome == "served" || outcome == "user_gone" || outcome == scenario_.allowed,
                    "no request fails", std::to_string(count) + " times " + outcome);
  if (scenario_.slowest.count() > 0)
    book_.require(
        book_.slowest() <= scenario_.slowest, "no request is slower than promised",
        std::to_string(std::chrono::duration_cast<milliseconds>(book_.slowest()).count()) + " ms");
  shut_down();
  return {book_.trace(),   time_.elapsed(), book_.size(), book_.outcomes(),
          book_.slowest(), recovery_,       convergence_};
}

// -- what has to be well
// ---------------------------------------------------------------------------

bool world::all_connected() const {
  return std::all_of(connectors_.begin(), connectors_.end(), [this](const connector_place& c) {
    size_t settled = 0;
    for (const auto& n : nodes_)
      if (n.process)
        for (const auto& [number, t] : n.process->tunnels())
          if (t->info().connector == c.identity.id && t->settled()) ++settled;
    return settled >= 2;
  });
}

bool world::anybody_leaves() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const auto& n) { return n.draining; }) ||
         std::any_of(connectors_.begin(), connectors_.end(),
                     [](const auto& c) { return c.draining; });
}

bool world::converged() {
  bool all = true;
  const auto& first = nodes_[0];
  for (auto& n : nodes_) {
    if (!n.process) return false;
    n.process->ask_for_others();
    all = all && n.process->in_touch_since() &&
          n.process->routing()->published->version == first.process->routing()->published->version;
    if (!all || nodes_.size() == 1) continue;
    const auto& others = n.process->others();
    all = others.size() == nodes_.size() - 1 &&
          std::all_of(others.begin(), others.end(), [this](const actors::cluster_node& o) {
            const auto& there = *node_on(*machine_of_node(o.address))->process;
            const auto groups = there.live_groups();
            return o.connected &&
                   std::equal(o.groups.begin(), o.groups.end(), groups.begin(), groups.end());
          });
  }
  return all;
}

void world::await_convergence(actor_time since) {
  book_.require(wait_for(convergence_bound - (time_.now() - since), [this] { return converged(); }),
                "all nodes agree within the bound after the last fault", "recovery");
  convergence_ = std::max(convergence_, time_.now() - since);
  check_published();
}

bool world::could_be_called_over(const node_process& to, const std::string& group) const {
  const auto steady = [this](const node_process& n) {
    const auto since = n.whole_since();
    return since && time_.now() - *since > whole_wait && !n.leaving();
  };
  const auto linked = [this](const node_process& a, const node_process& b) {
    const auto since = a.linked_since(b);
    return since && time_.now() - *since > whole_wait;
  };
  const auto can_come = [&](const node_tunnel& t) {
    if (!t.settled(whole_wait) || group_of(t.info().connector) != group) return false;
    return std::any_of(connectors_.begin(), connectors_.end(), [&](const connector_place& c) {
      return c.identity.id == t.info().connector && c.on->running() && !c.draining && !c.revoked &&
             time_.now() - c.on->thawed_at() > whole_wait && net_.joined(*c.on, to.on()) &&
             time_.now() - net_.unchanged_since(*c.on, to.on()) > whole_wait;
    });
  };
  if (!steady(to)) return false;
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const node_place& n) {
    if (!n.process || n.process.get() == &to || !steady(*n.process)) return false;
    const auto& tunnels = n.process->tunnels();
    return linked(to, *n.process) && linked(*n.process, to) &&
           std::any_of(tunnels.begin(), tunnels.end(),
                       [&](const auto& t) { return can_come(*t.second); });
  });
}

// -- after the last fault -------------------------------------------------------------------------

void world::recover() {
  undo_all();
  book_.require(wait_for(longest_drain, [this] { return !anybody_leaves(); }),
                "a planned stop ends in time", "recovery");
  const auto healed = time_.now();
  book_.note("everything is put right");
  // What thaws has to see first what has become of its tunnels.
  run_for(std::chrono::seconds{4});
  await_convergence(healed);
  book_.require(wait_for(recovery_bound, [this] { return all_connected(); }),
                "all connectors are back within the bound after the last fault", "recovery");
  recovery_ = time_.now() - healed;
  book_.require(wait_for(end_bound, [this] { return book_.open() == 0; }), "every exchange ends",
                "the world is quiet");
  book_.require_all_ended();
  probe_all(std::chrono::seconds{20});
  // Whoever had to sign in first asked once more.
  book_.require(wait_for(end_bound, [this] { return book_.open() == 0; }), "every exchange ends",
                "after the probes");
  run_for(std::chrono::seconds{2});
  book_.require(wait_for(in_force_within, [this] { return converged(); }),
                "nodes that have agreed stay in agreement", "after the probes");
  quiet_ = true;
  for (auto& n : nodes_)
    n.process->check();
  run_for(std::chrono::seconds{1});
  quiet_ = false;
}

void world::leap_days() {
  // As if all machines slept: every timer fires once, and life goes on.
  constexpr unsigned days_a_leap = 10;
  const auto renewals = renewals_;
  for (unsigned day = 0; day < scenario_.days; day += days_a_leap) {
    time_.advance_to(time_.now() + std::chrono::hours{24 * days_a_leap});
    const auto awake = time_.now();
    run_for(std::chrono::seconds{3});
    await_convergence(awake);
    book_.require(wait_for(recovery_bound, [this] { return all_connected(); }),
                  "connectors stay connected over the years", "day " + std::to_string(day));
    for (auto& c : connectors_) {
      const auto certificate = runtime::read_certificate_pem(c.identity.certificate_pem);
      const auto now = c.on->calendar().now();
      book_.require(certificate->not_after > now, "certificates in use are valid", c.on->name());
      book_.require(now - certificate->not_before <
                        connector_options().renew_after + std::chrono::hours{24 * 2 * days_a_leap},
                    "certificates are renewed in time", c.on->name());
    }
    probe_all(std::chrono::seconds{20});
  }
  book_.require(scenario_.days <= 200 || renewals_ >= renewals + connectors_.size(),
                "every connector renews its certificate",
                std::to_string(renewals_ - renewals) + " renewals");
}

// -- the end --------------------------------------------------------------------------------------

void world::shut_down() {
  over_ = true;
  for (auto& c : connectors_)
    c.process->drain();
  book_.require(wait_for(std::chrono::seconds{30},
                         [this] {
                           return std::all_of(connectors_.begin(), connectors_.end(),
                                              [](const auto& c) { return c.process->gone(); });
                         }),
                "connectors that drain without exchanges leave", "shut-down");
  for (auto& c : connectors_) {
    net_.died(*c.on);
    book_.require(c.on->kill(), "no actor leaks", c.on->name());
  }
  for (auto& n : nodes_)
    n.process->shut();
  for (auto& n : nodes_)
    book_.require(wait_for(std::chrono::seconds{60},
                           [&n] { return n.on->actors() <= n.process->own_actors(); }),
                  "a node that is told to end leaves no actor behind",
                  std::to_string(n.on->actors()) + " run");
  for (auto& n : nodes_) {
    net_.died(*n.on);
    n.process->forget();
    book_.require(n.on->kill(), "no actor leaks", n.on->name());
  }
}

}  // namespace postern::simulation
