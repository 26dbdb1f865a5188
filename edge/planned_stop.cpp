#include "edge/planned_stop.hpp"

#include "edge/node_load.hpp"
#include "runtime/log.hpp"

#include <caf/all.hpp>

#include <latch>

namespace postern::edge {

namespace {

using clock = std::chrono::steady_clock;
using edge_list = std::vector<std::unique_ptr<edge_shard>>;

// Between being told and being left, a user's connection that is kept alive brings its next
// request, whose answer says that it was the last one.
constexpr auto farewell_time = std::chrono::seconds{2};
// Connectors leave with us: an exchange that has found none by then will find none.
constexpr auto queue_grace = std::chrono::seconds{2};
// Exchanges have this long to finish; systemd kills after 90 s.
constexpr auto finish_timeout = std::chrono::seconds{60};
constexpr auto leave_timeout = std::chrono::seconds{2};
constexpr auto look_interval = std::chrono::milliseconds{50};

void on_all(const edge_list& edges, void (edge_shard::*what)()) {
  for (const auto& edge : edges)
    edge->context().home.post([e = edge.get(), what] { (e->*what)(); });
}

/// Returns once all have taken note: whoever may still come counts from then on.
void drain_all(const edge_list& edges, const std::vector<std::string>& other_nodes) {
  std::latch told{static_cast<std::ptrdiff_t>(edges.size())};
  for (const auto& edge : edges)
    edge->context().home.post([&, e = edge.get()] {
      e->drain(other_nodes);
      told.count_down();
    });
  told.wait();
}

}  // namespace

std::vector<std::string> leave_cluster(caf::actor_system& system,
                                       const actors::node_supervisor_actor& supervisor) {
  std::vector<std::string> others;
  caf::scoped_actor self{system};
  const auto nothing = [](caf::error&) {};
  actors::cluster_directory_actor directory;
  self->request(supervisor, leave_timeout, actors::lookup_atom_v)
      .receive([&](const actors::node_handles_ptr& handles) { directory = handles->cluster; },
               nothing);
  if (!directory) return others;
  self->request(directory, leave_timeout, actors::list_atom_v)
      .receive(
          [&](const std::vector<actors::cluster_node>& nodes) {
            for (const auto& one : nodes)
              if (one.connected) others.push_back(one.connectors_address);
          },
          nothing);
  self->request(directory, leave_timeout, actors::drain_atom_v).receive([] {}, nothing);
  return others;
}

void let_go(const edge_list& edges, const node_load& load, const stop_signal& signals,
            const std::vector<std::string>& other_nodes) {
  drain_all(edges, other_nodes);
  spdlog::info("users and connectors are told to go, exchanges in hand finish first");
  const auto begun = clock::now();
  const auto since = [&](auto span) { return clock::now() >= begun + span; };
  // A connector that waits for news of its configuration will ask the next node.
  const auto busy = [&] {
    return load.exchanges > load.waiting_pulls || load.connections > load.waiting_pulls ||
           load.watches > 0;
  };
  bool left = false, waiting_told = false;
  for (;;) {
    // Tunnels serve as long as users who were told to go still bring requests.
    if (!left && (!busy() || since(farewell_time))) {
      left = true;
      on_all(edges, &edge_shard::leave);
    }
    if (left && !waiting_told && since(farewell_time + queue_grace)) {
      waiting_told = true;
      on_all(edges, &edge_shard::stop_waiting);
    }
    if ((left && !busy()) || since(finish_timeout)) return;
    if (signals.wait_for(look_interval)) return;
  }
}

}  // namespace postern::edge
