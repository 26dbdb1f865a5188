// What goes wrong in the world, and how it is put right.
#include "tests/simulation/world.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace postern::simulation {

namespace {

constexpr const char* crashable[] = {"store",     "audit",    "configuration",
                                     "tokens",    "sessions", "connectors",
                                     "authority", "cluster",  "queue"};

/// As of edge/node and connector/main: how long a planned stop waits for exchanges, in polls.
constexpr std::chrono::milliseconds drain_poll{100};
constexpr int most_node_polls = 600;
constexpr int most_connector_polls = 200;
/// A node's exchanges that wait for a connector by then end.
constexpr int queue_grace_polls = 20;
constexpr std::chrono::milliseconds restart_pause{500};

/// What undoes an action; empty: it undoes itself.
std::string remedy(const std::string& action) {
  if (action == "kill") return "restart";
  if (action == "freeze" || action == "freeze_at_step") return "thaw";
  if (action == "partition" || action == "slow") return "heal";
  if (action == "store_down") return "store_up";
  return {};
}

}  // namespace

// -- targets --------------------------------------------------------------------------------------

world::node_place* world::node_on(const machine& m) {
  const auto i = std::ranges::find_if(nodes_, [&](const auto& n) { return n.on.get() == &m; });
  return i == nodes_.end() ? nullptr : &*i;
}

world::connector_place* world::connector_on(const machine& m) {
  const auto i = std::ranges::find_if(connectors_, [&](const auto& c) { return c.on.get() == &m; });
  return i == connectors_.end() ? nullptr : &*i;
}

std::string world::resolve(const std::string& name) {
  const auto node = [this] { return nodes_[dice_.below(nodes_.size())].on->name(); };
  const auto connector = [this] { return connectors_[dice_.below(connectors_.size())].on->name(); };
  if (name == "random-node") return node();
  if (name == "random-connector") return connector();
  if (name == "random")
    return dice_.below(nodes_.size() + connectors_.size()) < nodes_.size() ? node() : connector();
  return name;
}

machine* world::find_machine(const std::string& name) {
  for (auto* m : machines())
    if (m->name() == name) return m;
  return name == store_.place().name() ? &store_.place() : nullptr;
}

world::links world::all_links() {
  links all;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    all.emplace_back(nodes_[i].on.get(), &store_.place());
    for (size_t k = i + 1; k < nodes_.size(); ++k)
      all.emplace_back(nodes_[i].on.get(), nodes_[k].on.get());
    for (auto& c : connectors_)
      all.emplace_back(nodes_[i].on.get(), c.on.get());
  }
  return all;
}

world::links world::links_of(const std::string& target) {
  const auto tilde = target.find('~');
  auto* one = find_machine(target.substr(0, tilde));
  auto* other = tilde == std::string::npos ? nullptr : find_machine(target.substr(tilde + 1));
  book_.require(one != nullptr && (other != nullptr || tilde == std::string::npos),
                "a scenario names links that exist", target);
  auto found = all_links();
  std::erase_if(found, [&](const auto& l) {
    const auto ends_at = [&](const machine* m) { return l.first == m || l.second == m; };
    return !ends_at(one) || (tilde != std::string::npos && !ends_at(other));
  });
  return found;
}

// -- faults of the seed ---------------------------------------------------------------------------

std::string world::draw_target(const std::string& action) {
  if (action == "freeze_at_step") return "random-connector";
  if (action == "drain" || action == "kill" || action == "freeze")
    return dice_.below(nodes_.size() == 1 ? 8 : 3) == 0 ? "random-node" : "random-connector";
  if (action != "partition" && action != "slow" && action != "lose") return "random";
  switch (dice_.below(8)) {
    case 0:
      return "random-node";
    case 1:
    case 2:
      return "random-node~store";
    case 3:
      return nodes_.size() == 1 ? "random-connector" : "random-node~random-node";
    default:
      return "random-connector~random-node";
  }
}

void world::plan_faults() {
  auto faults = scenario_.faults;
  if (scenario_.random) {
    constexpr const char* actions[] = {"kill",
                                       "kill",
                                       "freeze",
                                       "freeze",
                                       "freeze_at_step",
                                       "freeze_at_step",
                                       "partition",
                                       "partition",
                                       "partition",
                                       "slow",
                                       "lose",
                                       "drain",
                                       "store_down",
                                       "store_loses_answer",
                                       "skew",
                                       "crash_actor",
                                       "crash_actor",
                                       "revoke_session",
                                       "revoke_session",
                                       "revoke_session",
                                       "revoke_connector",
                                       "publish",
                                       "publish"};
    const auto count = dice_.below(nodes_.size() == 1 ? 7 : 9);
    const auto last = static_cast<uint64_t>(scenario_.duration.count());
    for (uint64_t i = 0; i < count; ++i) {
      fault f;
      f.at = milliseconds{dice_.below(last)};
      f.action = actions[dice_.below(std::size(actions))];
      f.target = draw_target(f.action);
      f.lasts = milliseconds{100 + dice_.below(12'000)};
      f.by = milliseconds{f.action == "slow" ? dice_.below(250) : dice_.below(20'000)};
      faults.push_back(f);
      // What a node misses meanwhile is the more interesting half of it.
      if (f.target == "random-node~store")
        faults.push_back(
            {.at = f.at + f.lasts / 2, .action = "revoke_session", .target = "random"});
    }
  }
  for (auto& f : faults)
    time_.after(f.at, [this, f] { inflict(f); });
}

void world::inflict(const fault& given) {
  auto f = given;
  const auto tilde = f.target.find('~');
  if (f.action == "skew" && f.target == "random") f.target = "random-node";
  if (f.action == "revoke_connector" && f.target == "random") f.target = "random-connector";
  if (tilde != std::string::npos)
    f.target = resolve(f.target.substr(0, tilde)) + '~' + resolve(f.target.substr(tilde + 1));
  else if (f.action != "crash_actor")
    f.target = resolve(f.target);
  book_.note("fault: " + f.action + ' ' + f.target);
  if (f.action == "store_down" || f.action == "store_up") {
    store_.set_down(f.action == "store_down");
  } else if (f.action == "store_loses_answer") {
    store_.lose_answer();
  } else if (f.action == "crash_actor") {
    crash_actor(f.target);
  } else if (f.action == "revoke_session") {
    revoke_some_session();
  } else if (f.action == "publish") {
    change_something();
  } else if (f.action == "partition" || f.action == "slow" || f.action == "heal" ||
             f.action == "lose") {
    inflict_on_links(f);
  } else {
    auto* m = find_machine(f.target);
    book_.require(m != nullptr, "a scenario names machines that exist", f.target);
    inflict_on_machine(f, *m);
  }
  if (const auto undo = remedy(f.action); f.lasts.count() > 0 && !undo.empty()) {
    f.action = undo;
    time_.after(std::exchange(f.lasts, milliseconds::zero()), [this, f] { inflict(f); });
  }
}

void world::inflict_on_machine(const fault& f, machine& m) {
  auto* node = node_on(m);
  auto* connector = connector_on(m);
  if (f.action == "freeze") {
    m.freeze();
  } else if (f.action == "freeze_at_step" && connector != nullptr) {
    if (m.running() && connector->process)
      connector->process->freeze_at(static_cast<unsigned>(f.by.count()) % connector_process::steps);
  } else if (f.action == "thaw") {
    if (connector != nullptr && connector->process) connector->process->freeze_at(std::nullopt);
    m.thaw();
  } else if (f.action == "skew") {
    m.calendar().skew(f.by);
  } else if (f.action == "kill") {
    node != nullptr ? kill_node(*node) : kill_connector(*connector);
  } else if (f.action == "restart") {
    if (m.alive()) return;
    if (node != nullptr) start_node(*node);
    if (connector != nullptr && !connector->enrolling) start_connector(*connector);
  } else if (f.action == "drain") {
    node != nullptr ? drain(*node) : drain(*connector);
  } else if (f.action == "revoke_connector" && connector != nullptr) {
    revoke_connector(*connector);
  } else {
    book_.fail("a scenario names faults that exist", f.action);
  }
}

void world::inflict_on_links(const fault& f) {
  for (const auto& [a, b] : links_of(f.target)) {
    if (f.action == "partition") net_.cut(*a, *b);
    if (f.action == "slow") net_.slow(*a, *b, f.by);
    if (f.action == "lose")
      for (const auto& c : net_.between(*a, *b))
        if (dice_.below(2) == 0) net_.lose(c);
    if (f.action != "heal") continue;
    net_.slow(*a, *b, milliseconds::zero());
    if (!net_.joined(*a, *b)) net_.heal(*a, *b);
  }
  store_.look_at_links();
}

void world::undo_all() {
  store_.set_down(false);
  store_.lose_no_more_answers();
  for (const auto& [a, b] : all_links()) {
    net_.slow(*a, *b, milliseconds::zero());
    if (!net_.joined(*a, *b)) net_.heal(*a, *b);
  }
  store_.look_at_links();
  for (auto* m : machines()) {
    m->calendar().skew(-m->calendar().skewed());
    m->thaw();
  }
  for (auto& n : nodes_)
    if (!n.on->alive()) start_node(n);
  for (auto& c : connectors_) {
    if (c.revoked) enrol_again(c);
    if (!c.on->alive() && !c.enrolling) start_connector(c);
  }
}

// -- machines -------------------------------------------------------------------------------------

void world::kill_node(node_place& n) {
  if (!n.on->alive()) return;
  for (const auto& [id, r] : book_.all())
    if (!r.ended && r.node == n.on->name()) book_.ended(id, "node_died");
  net_.died(*n.on);
  n.process->forget();
  n.on->kill();
  n.process.reset();
}

void world::kill_connector(connector_place& c) {
  if (!c.on->alive()) return;
  net_.died(*c.on);
  c.on->kill();
  c.process.reset();
}

void world::drain(node_place& n) {
  if (!n.on->running() || std::exchange(n.draining, true)) return;
  n.process->leave();
  await_drain(n, 0);
}

void world::await_drain(node_place& n, int polls) {
  n.on->after(drain_poll, [this, &n, polls] {
    if (polls == queue_grace_polls) n.process->stop_waiting();
    const auto done = n.process->leaving() && n.process->idle();
    if (!done && polls < most_node_polls) return await_drain(n, polls + 1);
    book_.note(n.on->name() + " has left");
    time_.after(duration::zero(), [this, &n] {
      kill_node(n);
      time_.after(restart_pause, [this, &n] {
        if (!n.on->alive()) start_node(n);
      });
    });
  });
}

void world::drain(connector_place& c) {
  if (!c.on->alive() || std::exchange(c.draining, true)) return;
  c.process->drain();
  await_drain(c, 0);
}

void world::await_drain(connector_place& c, int polls) {
  // The program waits for its last tunnel, and is started again by its operator.
  c.on->after(drain_poll, [this, &c, polls] {
    if (!c.process->gone() && polls < most_connector_polls) return await_drain(c, polls + 1);
    book_.note(c.on->name() + " has left");
    time_.after(duration::zero(), [this, &c] {
      kill_connector(c);
      time_.after(restart_pause, [this, &c] {
        if (!c.on->alive() && !c.enrolling) start_connector(c);
      });
    });
  });
}

// -- actors ---------------------------------------------------------------------------------------

void world::crash_actor(const std::string& target) {
  const auto slash = target.find('/');
  const auto* place = slash == std::string::npos
                          ? &nodes_[dice_.below(nodes_.size())]
                          : node_on(*find_machine(resolve(target.substr(0, slash))));
  auto which = slash == std::string::npos ? target : target.substr(slash + 1);
  if (which == "random") which = crashable[dice_.below(std::size(crashable))];
  if (!place->on->running() || !place->process->handles()) return;
  auto& node = *place->process;
  book_.note("crash of " + which + " at " + place->on->name());
  node.miscount();
  const auto& h = *node.handles();
  const auto end = [&](const auto& actor) {
    node.broken();
    caf::anon_send_exit(actor, caf::exit_reason::kill);
  };
  if (which == "store") return end(h.store);
  if (which == "audit") return end(h.audit);
  if (which == "configuration") return end(h.configuration);
  if (which == "tokens") return end(h.tokens);
  if (which == "sessions") return end(h.sessions);
  if (which == "connectors") return end(h.connectors);
  if (which == "authority") return end(h.authority);
  if (which == "cluster") return end(h.cluster);
  book_.require(which == "queue", "a scenario names actors that exist", which);
  // Its registry starts it again at once: nothing else is disturbed.
  if (node.routing() && !node.routing()->queues.empty())
    caf::anon_send_exit(node.routing()->queues.begin()->second, caf::exit_reason::kill);
}

}  // namespace postern::simulation
