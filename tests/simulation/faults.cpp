// What goes wrong in the world, and how it is put right.
#include "tests/simulation/world.hpp"

#include <caf/send.hpp>

namespace postern::simulation {

namespace {

constexpr const char* crashable[] = {"store",    "audit",      "configuration", "tokens",
                                     "sessions", "connectors", "authority",     "queue"};

/// What undoes an action; empty: it undoes itself.
std::string remedy(const std::string& action) {
  if (action == "kill") return "restart";
  if (action == "freeze") return "thaw";
  if (action == "partition" || action == "slow") return "heal";
  if (action == "store_down") return "store_up";
  return {};
}

}  // namespace

machine* world::find_machine(const std::string& name) {
  for (auto& n : nodes_)
    if (n.on->name() == name) return n.on.get();
  if (name == "random") return connectors_[dice_.below(connectors_.size())].on.get();
  for (auto& c : connectors_)
    if (c.on->name() == name) return c.on.get();
  return nullptr;
}

void world::plan_faults() {
  auto faults = scenario_.faults;
  if (scenario_.random) {
    constexpr const char* actions[] = {
        "kill", "kill",        "freeze",         "freeze",     "freeze",      "partition",
        "slow", "lose",        "drain",          "store_down", "crash_actor", "store_loses_answer",
        "skew", "crash_actor", "revoke_session", "partition"};
    const auto count = dice_.below(7);
    const auto last = static_cast<uint64_t>(scenario_.duration.count());
    for (uint64_t i = 0; i < count; ++i) {
      fault f;
      f.at = milliseconds{dice_.below(last)};
      f.action = actions[dice_.below(std::size(actions))];
      const bool whole_node = dice_.below(8) == 0 && (f.action == "kill" || f.action == "freeze");
      f.target = whole_node ? "node-0" : "random";
      f.lasts = milliseconds{100 + dice_.below(12'000)};
      f.by = milliseconds{f.action == "slow" ? dice_.below(250) : dice_.below(20'000)};
      faults.push_back(std::move(f));
    }
  }
  for (auto& f : faults)
    time_.after(f.at, [this, f] { inflict(f); });
}

void world::inflict(const fault& given) {
  auto f = given;
  const auto tilde = f.target.find('~');
  auto* m = find_machine(f.target.substr(0, tilde));
  if (m == nullptr && f.action != "crash_actor") m = connectors_[0].on.get();
  if (m != nullptr) f.target = m->name();
  book_.note("fault: " + f.action + ' ' + f.target);
  auto& node = *nodes_[0].on;
  const auto place = [&] {
    for (auto& c : connectors_)
      if (c.on.get() == m) return &c;
    return static_cast<connector_place*>(nullptr);
  }();
  if (f.action == "kill") {
    if (m == &node)
      kill_node(nodes_[0]);
    else
      kill_connector(*place);
  } else if (f.action == "restart") {
    if (m == &node && !node.alive()) start_node(nodes_[0]);
    if (place != nullptr && !place->on->alive()) start_connector(*place);
  } else if (f.action == "freeze" || f.action == "thaw") {
    freeze(*m, f.action == "freeze");
  } else if (f.action == "partition") {
    if (m != &node) net_.cut(node, *m);
  } else if (f.action == "slow") {
    net_.slow(node, *m, f.by);
  } else if (f.action == "heal") {
    net_.slow(node, *m, milliseconds::zero());
    if (!net_.joined(node, *m)) net_.heal(node, *m);
  } else if (f.action == "lose") {
    for (const auto& c : net_.between(node, *m))
      if (dice_.below(2) == 0) net_.lose(c);
  } else if (f.action == "drain") {
    if (place != nullptr) drain(*place);
  } else if (f.action == "store_down" || f.action == "store_up") {
    store_->down = f.action == "store_down";
  } else if (f.action == "store_loses_answer") {
    ++store_->lost_answers;
  } else if (f.action == "skew") {
    node.calendar().skew(f.by);
  } else if (f.action == "crash_actor") {
    crash_actor(given.target == "random" ? crashable[dice_.below(std::size(crashable))]
                                         : given.target);
  } else if (f.action == "revoke_session") {
    revoke_some_session();
  } else {
    book_.fail("a scenario names faults that exist", f.action);
  }
  if (const auto undo = remedy(f.action); f.lasts.count() > 0 && !undo.empty()) {
    f.action = undo;
    time_.after(std::exchange(f.lasts, milliseconds::zero()), [this, f] { inflict(f); });
  }
}

void world::undo_all() {
  store_->down = false;
  store_->lost_answers = 0;
  auto& node = *nodes_[0].on;
  node.calendar().skew(-node.calendar().skewed());
  if (!node.alive()) start_node(nodes_[0]);
  node.thaw();
  for (auto& c : connectors_) {
    net_.slow(node, *c.on, milliseconds::zero());
    if (!net_.joined(node, *c.on)) net_.heal(node, *c.on);
    c.on->thaw();
    if (!c.on->alive()) start_connector(c);
  }
}

void world::freeze(machine& m, bool frozen) {
  if (frozen)
    m.freeze();
  else
    m.thaw();
}

void world::kill_node(node_place& n) {
  if (!n.on->alive()) return;
  for (const auto& [id, r] : book_.all())
    if (!r.ended && r.node == n.on->name()) book_.ended(id, "node_died");
  net_.died(*n.on);
  n.on->kill();
  n.process.reset();
}

void world::kill_connector(connector_place& c) {
  if (!c.on->alive()) return;
  net_.died(*c.on);
  c.on->kill();
  c.process.reset();
}

void world::drain(connector_place& c) {
  if (!c.on->alive() || std::exchange(c.draining, true)) return;
  c.process->drain();
  await_drain(c, 0);
}

void world::await_drain(connector_place& c, int polls) {
  // The program waits for its last tunnel, 20 s at most, and is started again by its operator.
  c.on->after(std::chrono::milliseconds{100}, [this, &c, polls] {
    if (!c.process->gone() && polls < 200) return await_drain(c, polls + 1);
    book_.note(c.on->name() + " has left");
    time_.after(duration::zero(), [this, &c] {
      kill_connector(c);
      time_.after(std::chrono::milliseconds{500}, [this, &c] {
        if (!c.on->alive()) start_connector(c);
      });
    });
  });
}

void world::crash_actor(const std::string& which) {
  if (!nodes_[0].on->running() || !node(0).handles()) return;
  book_.note("crash of " + which);
  node(0).miscount();
  const auto& h = *node(0).handles();
  const auto end = [](const auto& actor) { caf::anon_send_exit(actor, caf::exit_reason::kill); };
  if (which == "store") end(h.store);
  if (which == "audit") end(h.audit);
  if (which == "configuration") end(h.configuration);
  if (which == "tokens") end(h.tokens);
  if (which == "sessions") end(h.sessions);
  if (which == "connectors") end(h.connectors);
  if (which == "authority") end(h.authority);
  if (which == "queue" && node(0).routing() && !node(0).routing()->queues.empty())
    end(node(0).routing()->queues.begin()->second);
}

}  // namespace postern::simulation
