#include "tests/simulation/world.hpp"

#include "actors/timeouts.hpp"

#include <algorithm>

namespace postern::simulation {

namespace {

/// More messages than this at one moment are a loop.
constexpr size_t most_messages_at_once = 200'000;
/// The end of every exchange that was accepted: its patience, the queue's, and a silent tunnel's.
constexpr std::chrono::seconds end_bound{60};

}  // namespace

world::world(uint64_t seed, const scenario& s, bool verbose)
    : scenario_(s), dice_(seed), seed_(seed), book_(time_, verbose) {
  keys_ = std::make_shared<const runtime::key_ring>(std::vector{runtime::make_sealing_key(dice_)},
                                                    dice_);
}

world::~world() {
  time_.clear();
  for (auto& c : connectors_)
    c.on->kill();
  for (auto& n : nodes_)
    n.on->kill();
}

// -- time -----------------------------------------------------------------------------------------

void world::settle() {
  std::vector<machine*> all;
  for (auto& n : nodes_)
    all.push_back(n.on.get());
  for (auto& c : connectors_)
    all.push_back(c.on.get());
  size_t done = 0;
  for (bool any = true; any;) {
    any = false;
    const auto first = all.empty() ? 0 : dice_.below(all.size());
    for (size_t i = 0; i < all.size(); ++i)
      while (all[(first + i) % all.size()]->step()) {
        any = true;
        book_.throw_again();
        book_.require(++done < most_messages_at_once, "the world comes to rest", "messages loop");
        if (dice_.below(4) == 0) break;
      }
  }
}

void world::run_until(actor_time end) {
  for (;;) {
    settle();
    auto next = time_.next().value_or(end);
    const auto consider = [&](const machine& m) {
      if (const auto due = m.next_timeout()) next = std::min(next, *due);
    };
    for (auto& n : nodes_)
      consider(*n.on);
    for (auto& c : connectors_)
      consider(*c.on);
    if (next > end) break;
    time_.advance_to(next);
    for (auto& n : nodes_)
      n.on->catch_up();
    for (auto& c : connectors_)
      c.on->catch_up();
    settle();
    while (auto what = time_.take_due()) {
      what();
      settle();
    }
    if (next == end) break;
  }
  time_.advance_to(end);
}

bool world::wait_for(duration patience, const std::function<bool()>& condition) {
  const auto end = time_.now() + patience;
  while (!condition()) {
    if (time_.now() >= end) return false;
    run_for(std::chrono::milliseconds{100});
  }
  return true;
}

// -- start ----------------------------------------------------------------------------------------

node_process& world::node_at(const machine& m) {
  for (auto& n : nodes_)
    if (n.on.get() == &m) return *n.process;
  book_.fail("a tunnel ends at a node", m.name());
}

config::connector_options world::connector_options() const {
  config::connector_options o;
  o.exchanges = scenario_.capacity;
  return o;
}

void world::start_node(node_place& n) {
  n.on->start();
  n.process = std::make_unique<node_process>(*this, *n.on);
  n.process->start();
}

void world::start_connector(connector_place& c) {
  c.draining = false;
  c.on->start();
  c.process = std::make_unique<connector_process>(*this, *c.on, c.identity);
  c.process->start();
}

void world::build() {
  nodes_.resize(1);
  for (size_t i = 0; i < nodes_.size(); ++i)
    nodes_[i].on = std::make_unique<machine>(time_, dice_, "node-" + std::to_string(i), seed_ + i);
  start_node(nodes_[0]);
  run_for(std::chrono::milliseconds{50});
  publish();
  for (const auto* group : {"a", "b"})
    for (unsigned i = 0; i < scenario_.connectors - (*group == 'b' ? 1 : 0); ++i) {
      connector_place c;
      c.identity.group = group;
      c.on = std::make_unique<machine>(time_, dice_,
                                       std::string{"connector-"} + group + std::to_string(i),
                                       seed_ + 100 + connectors_.size());
      connectors_.push_back(std::move(c));
    }
  for (auto& c : connectors_)
    enrol(c);
  for (auto& c : connectors_)
    start_connector(c);
  for (int i = 0; i < 4; ++i)
    users_.push_back({"user-" + std::to_string(i), {}});
  book_.require(wait_for(std::chrono::seconds{10}, [this] { return all_connected(); }),
                "all connectors connect when nothing is wrong", "start");
}

void world::publish() {
  actors::change_request change;
  change.by = "admin";
  for (const auto* group : {"a", "b"}) {
    change.groups.push_back({group});
    for (const auto* kind : {"guarded", "open"}) {
      config::application a;
      a.name = std::string{kind} + '-' + group;
      a.external_url = "https://" + a.name + ".example.com/";
      a.internal_url = "http://" + a.name + ".internal/";
      a.group = group;
      a.response_timeout = std::chrono::seconds{8 + dice_.below(8)};
      passthrough_[a.name] = *kind == 'o';
      a.preauthentication = *kind == 'o' ? config::preauthentication_kind::passthrough
                                         : config::preauthentication_kind::oidc;
      if (*kind == 'g') a.assigned = {"group:staff"};
      applications_.push_back(a.name);
      change.applications.push_back(std::move(a));
    }
  }
  bool done = false;
  nodes_[0].on->ask<actors::change_report>(
      node(0).handles()->configuration, actors::durable_timeout,
      [&](const actors::change_report&) { done = true; },
      [&](const runtime::error& e) { book_.fail("a change is accepted", runtime::to_string(e)); },
      actors::apply_atom_v, change);
  run_for(std::chrono::milliseconds{10});
  book_.require(done, "a change is answered", "publish");
}

void world::enrol(connector_place& c) {
  actors::enrolment_request r;
  r.csr_der = runtime::make_certificate_request(connector_key_, c.on->name());
  r.group = c.identity.group;
  r.administrator = "admin";
  nodes_[0].on->ask<actors::issued_certificate>(
      node(0).handles()->authority, actors::certificate_timeout,
      [&](const actors::issued_certificate& made) {
        c.identity.id = made.connector;
        c.identity.certificate_pem = made.certificate_pem;
      },
      [&](const runtime::error& e) { book_.fail("enrolment works", runtime::to_string(e)); },
      actors::sign_atom_v, r);
  run_for(std::chrono::milliseconds{10});
  book_.require(!c.identity.id.empty(), "enrolment is answered", c.on->name());
}

std::string world::serial_of(const std::string& certificate_pem) {
  auto& serial = serials_[certificate_pem];
  if (serial.empty()) serial = runtime::read_certificate_pem(certificate_pem)->serial;
  return serial;
}

std::string world::group_of(const std::string& connector) const {
  for (const auto& c : connectors_)
    if (c.identity.id == connector) return c.identity.group;
  return {};
}

bool world::all_connected() const {
  return std::all_of(connectors_.begin(), connectors_.end(), [this](const connector_place& c) {
    const auto& tunnels = nodes_[0].process->tunnels();
    return std::count_if(tunnels.begin(), tunnels.end(), [&](const auto& t) {
             return t.second->info().connector == c.identity.id && t.second->settled();
           }) >= 2;
  });
}

// -- the course of a run --------------------------------------------------------------------------

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
      book_.require(outcome == "served" || outcome == "user_gone", "no request fails",
                    std::to_string(count) + " times " + outcome);
  if (scenario_.slowest.count() > 0)
    book_.require(
        book_.slowest() <= scenario_.slowest, "no request is slower than promised",
        std::to_string(std::chrono::duration_cast<milliseconds>(book_.slowest()).count()) + " ms");
  shut_down();
  return {book_.trace(),    time_.elapsed(), book_.size(),
          book_.outcomes(), book_.slowest(), recovery_};
}

void world::recover() {
  undo_all();
  const auto healed = time_.now();
  book_.note("everything is put right");
  // What thaws has to see first what has become of its tunnels.
  run_for(std::chrono::seconds{4});
  book_.require(wait_for(recovery_bound, [this] { return all_connected(); }),
                "all connectors are back within the bound after the last fault", "recovery");
  recovery_ = time_.now() - healed;
  book_.require(wait_for(end_bound, [this] { return book_.open() == 0; }), "every exchange ends",
                "the world is quiet");
  book_.require_all_ended();
  probe_all(std::chrono::seconds{20});
  run_for(std::chrono::seconds{2});
  quiet_ = true;
  node(0).check();
  run_for(std::chrono::seconds{1});
  quiet_ = false;
}

void world::leap_days() {
  // As if all machines slept: every timer fires once, and life goes on.
  constexpr unsigned days_a_leap = 10;
  const auto renewals = renewals_;
  for (unsigned day = 0; day < scenario_.days; day += days_a_leap) {
    time_.advance_to(time_.now() + std::chrono::hours{24 * days_a_leap});
    run_for(std::chrono::seconds{3});
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

void world::shut_down() {
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
  nodes_[0].process->shut();
  // The asking actor is the machine's own, and four are the model's.
  book_.require(wait_for(std::chrono::seconds{60}, [this] { return nodes_[0].on->actors() <= 5; }),
                "a node that is told to end leaves no actor behind",
                std::to_string(nodes_[0].on->actors()) + " run");
  book_.require(nodes_[0].on->kill(), "no actor leaks", nodes_[0].on->name());
}

void world::pull_failed(connector_process& of, const runtime::error& why) {
  book_.note(of.on().name() + " cannot pull: " + why.cause);
  book_.require(why.cause != "certificate_unknown" && why.cause != "connector_revoked" &&
                    why.cause != "connector_unknown",
                "an enrolled connector is never refused", of.on().name() + ": " + why.cause);
}

void world::renewed(connector_process& of) {
  ++renewals_;
  book_.note(of.on().name() + " has renewed its certificate");
}

}  // namespace postern::simulation
