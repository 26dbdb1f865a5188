// Time, and how a world begins. Its course stands in course.cpp.
#include "tests/simulation/world.hpp"

#include <algorithm>

namespace postern::simulation {

namespace {

/// More messages than this at one moment are a loop.
constexpr size_t most_messages_at_once = 200'000;
constexpr unsigned most_nodes = 3;

}  // namespace

world::world(uint64_t seed, const scenario& s, bool verbose)
    : scenario_(s), dice_(seed), seed_(seed), book_(time_, verbose) {
  keys_ = std::make_shared<const runtime::key_ring>(std::vector{runtime::make_sealing_key(dice_)},
                                                    dice_);
  // Where there is little to do, nothing is found out by the next request.
  constexpr unsigned quieter = 10;
  gap_ = s.gap * (s.random && dice_.below(3) == 0 ? quieter : 1U);
}

world::~world() {
  time_.clear();
  net_.clear();
  for (auto& c : connectors_)
    c.on->kill();
  for (auto& n : nodes_)
    n.on->kill();
}

// -- time -----------------------------------------------------------------------------------------

std::vector<machine*> world::machines() {
  std::vector<machine*> all;
  for (auto& n : nodes_)
    all.push_back(n.on.get());
  for (auto& c : connectors_)
    all.push_back(c.on.get());
  return all;
}

void world::settle() {
  const auto all = machines();
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
    for (auto* m : machines())
      if (const auto due = m->next_timeout()) next = std::min(next, *due);
    if (next > end) break;
    time_.advance_to(next);
    for (auto* m : machines())
      m->catch_up();
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

// -- who is where ---------------------------------------------------------------------------------

node_process& world::node_at(const machine& m) {
  for (auto& n : nodes_)
    if (n.on.get() == &m && n.process) return *n.process;
  book_.fail("a connection ends at a node", m.name());
}

machine* world::machine_of_node(const std::string& address) {
  for (auto& n : nodes_)
    if (n.settings.address == address) return n.on.get();
  return nullptr;
}

machine* world::machine_of_service(const std::string& address) {
  for (auto& n : nodes_)
    if (n.settings.connectors_address == address) return n.on.get();
  return nullptr;
}

std::string world::serial_of(const std::string& certificate_pem) {
  auto& serial = serials_[certificate_pem];
  if (serial.empty()) serial = runtime::read_certificate_pem(certificate_pem)->serial;
  return serial;
}

std::string world::group_of(const std::string& connector) const {
  const auto i = groups_.find(connector);
  return i == groups_.end() ? std::string{} : i->second;
}

// -- start ----------------------------------------------------------------------------------------

config::connector_options world::connector_options() const {
  config::connector_options o;
  o.exchanges = scenario_.capacity;
  return o;
}

void world::start_node(node_place& n) {
  n.draining = false;
  n.on->start();
  n.process = std::make_unique<node_process>(*this, *n.on, n.settings);
  n.process->start();
}

void world::start_connector(connector_place& c) {
  c.draining = false;
  c.on->start();
  c.process = std::make_unique<connector_process>(*this, *c.on, c.identity);
  c.process->start();
}

void world::build() {
  build_nodes();
  publish();
  build_connectors();
  for (int i = 0; i < 4; ++i)
    users_.push_back({"user-" + std::to_string(i), {}});
  book_.require(wait_for(std::chrono::seconds{10}, [this] { return all_connected(); }),
                "all connectors connect when nothing is wrong", "start");
  watch_decisions();
}

void world::build_nodes() {
  const auto count = scenario_.nodes > 0 ? scenario_.nodes : 1 + dice_.below(most_nodes);
  const bool listed = dice_.below(4) == 0;  // in the settings, instead of the membership table
  std::vector<std::string> addresses;
  for (size_t i = 0; i < count; ++i)
    addresses.push_back("10.0.0." + std::to_string(i + 1) + ":9443");
  nodes_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    auto& n = nodes_[i];
    n.on = std::make_unique<machine>(time_, dice_, "node-" + std::to_string(i), seed_ + i);
    if (count == 1) continue;
    n.settings.address = addresses[i];
    n.settings.connectors_address = "192.0.2." + std::to_string(i + 1) + ":443";
    n.settings.version = POSTERN_VERSION;
    if (listed) n.settings.peers = addresses;
  }
  for (auto& n : nodes_)
    start_node(n);
  const auto started = [this] {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [](const auto& n) { return n.process->in_touch_since().has_value(); });
  };
  book_.require(wait_for(std::chrono::seconds{5}, started), "nodes start", "start");
}

void world::build_connectors() {
  // Some name servers give every connector the same address first.
  const bool same = dice_.below(2) == 0;
  for (const auto* group : {"a", "b"})
    for (unsigned i = 0; i < scenario_.connectors - (*group == 'b' ? 1 : 0); ++i) {
      connector_place c;
      c.identity.group = group;
      c.identity.resolved = same ? 0 : dice_.below(nodes_.size());
      c.on = std::make_unique<machine>(time_, dice_,
                                       std::string{"connector-"} + group + std::to_string(i),
                                       seed_ + 100 + connectors_.size());
      connectors_.push_back(std::move(c));
    }
  for (auto& c : connectors_)
    enrol(c, [this, &c] { start_connector(c); });
  const auto enrolled = [this] {
    return std::all_of(connectors_.begin(), connectors_.end(),
                       [](const auto& c) { return c.process != nullptr; });
  };
  book_.require(wait_for(std::chrono::seconds{5}, enrolled), "enrolment is answered", "start");
}

}  // namespace postern::simulation
