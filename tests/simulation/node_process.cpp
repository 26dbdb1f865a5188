#include "tests/simulation/node_process.hpp"

#include "actors/timeouts.hpp"
#include "tests/simulation/world.hpp"

#include <caf/send.hpp>

namespace postern::simulation {

using namespace actors;

node_process::node_process(world& w, machine& on)
    : world_(w), machine_(on), calm_since_(on.now()) {}

// -- start ----------------------------------------------------------------------------------------

void node_process::start() {
  auto& system = machine_.system();
  control_ = machine_.own(system.spawn([this](tunnel_control_actor::pointer) {
    return tunnel_control_actor::behavior_type{
        [this](shut_atom, tunnel_id id, const std::string& why) {
          if (!machine_.running()) return;
          if (auto t = find_tunnel(id.number)) t->cut(why);
        },
        [this](summon_atom, tunnel_id, const std::string& address) {
          world_.book().fail("a node that is alone summons nobody", address);
        }};
  }));
  keys_ = machine_.own(system.spawn([this](key_source_actor::pointer) {
    return key_source_actor::behavior_type{
        [this](fetch_atom, const std::string&) -> caf::result<std::string> {
          return world_.issuer_keys();
        }};
  }));
  follower_ = machine_.own(system.spawn([this](handles_subscriber_actor::pointer) {
    return handles_subscriber_actor::behavior_type{
        [this](update_atom, const node_handles_ptr& fresh) { follow(fresh); }};
  }));
  router_ = machine_.own(system.spawn([this](routing_subscriber_actor::pointer) {
    return routing_subscriber_actor::behavior_type{
        [this](update_atom, const routing_ptr& fresh) { routing_ = fresh; }};
  }));
  node_environment environment{.store = world_.store(),
                               .key_source = keys_,
                               .tunnel_control = control_,
                               .clock = &machine_.calendar(),
                               .random = &machine_.random(),
                               .wrapping_keys = world_.wrapping_keys(),
                               .connectors = world_.connector_options(),
                               .session = {},
                               .detached_store = false};
  supervisor_ = machine_.own(system.spawn(node_supervisor, std::move(environment)));
  machine_.ask<node_handles_ptr>(
      supervisor_, std::chrono::seconds{10}, [this](node_handles_ptr h) { follow(std::move(h)); },
      [this](const runtime::error& e) { world_.book().fail("a node starts", e.cause); },
      subscribe_atom_v, follower_);
}

void node_process::follow(node_handles_ptr fresh) {
  if (!machine_.running()) return;
  const auto again = handles_ && handles_->connectors != fresh->connectors;
  if (handles_) disturbed();
  handles_ = std::move(fresh);
  subscribe_routing();
  if (!again) return;
  // What edge_shard does when a registry was restarted.
  for (const auto& [number, t] : std::map{tunnels_}) {
    t->miscounted();
    t->attach();
  }
}

void node_process::subscribe_routing() {
  machine_.ask<routing_ptr>(
      handles_->connectors, std::chrono::seconds{10},
      [this](routing_ptr r) { routing_ = std::move(r); }, [](const runtime::error&) {},
      subscribe_atom_v, router_);
}

// -- tunnels --------------------------------------------------------------------------------------

std::shared_ptr<node_tunnel> node_process::new_tunnel(connection_ptr wire, tunnel_info info) {
  info.id = {0, next_number()};
  return std::make_shared<node_tunnel>(*this, std::move(wire), std::move(info));
}

void node_process::accept_tunnel(const std::shared_ptr<node_tunnel>& t,
                                 std::shared_ptr<connector_tunnel> far) {
  world_.book().note("tunnel " + std::to_string(t->number()) + " of " + t->info().address);
  tunnels_[t->number()] = t;
  if (leaving_ || !handles_) return t->cut("node_leaves");
  t->begin(std::move(far));
}

std::shared_ptr<node_tunnel> node_process::find_tunnel(uint64_t number) const {
  const auto i = tunnels_.find(number);
  return i == tunnels_.end() ? nullptr : i->second;
}

void node_process::remove_tunnel(uint64_t number) {
  if (auto t = find_tunnel(number)) machine_.after(duration::zero(), [t] {});
  tunnels_.erase(number);
}

bool node_process::has_room_for(const std::string& group) const {
  if (machine_.now() - calm_since_ < std::chrono::seconds{30}) return false;
  return std::any_of(tunnels_.begin(), tunnels_.end(), [&](const auto& entry) {
    const auto& t = *entry.second;
    return t.settled() && t.counted() && t.streams() == 0 &&
           world_.group_of(t.info().connector) == group;
  });
}

void node_process::miscount() {
  disturbed();
  for (const auto& [number, t] : tunnels_)
    t->miscounted();
}

void node_process::leave() {
  leaving_ = true;
  for (const auto& [number, t] : tunnels_)
    t->leave();
}

void node_process::shut() {
  caf::anon_send(supervisor_, shut_atom_v);
  routing_.reset();
  handles_.reset();
}

// -- exchanges ------------------------------------------------------------------------------------

void node_process::serve(user_request request) {
  exchange_record r;
  r.id = request.id;
  r.how = request.how;
  r.application = request.application;
  r.session = request.session ? request.session->id : std::string{};
  r.node = machine_.name();
  world_.book().accepted(std::move(r));
  const auto id = request.id;
  auto& e = exchanges_[id] = std::make_unique<node_exchange>(*this, std::move(request));
  e->begin();
}

void node_process::user_gone(uint64_t exchange) {
  if (auto* e = find_exchange(exchange)) e->user_gone();
}

node_exchange* node_process::find_exchange(uint64_t id) const {
  const auto i = exchanges_.find(id);
  return i == exchanges_.end() ? nullptr : i->second.get();
}

void node_process::remove_exchange(uint64_t id) {
  // It may be on the stack.
  const auto i = exchanges_.find(id);
  machine_.after(duration::zero(),
                 [gone = std::shared_ptr<node_exchange>{std::move(i->second)}] {});
  exchanges_.erase(i);
}

size_t node_process::count(node_exchange::state s) const {
  return static_cast<size_t>(
      std::count_if(exchanges_.begin(), exchanges_.end(),
                    [s](const auto& e) { return e.second->current() == s; }));
}

void node_process::check() {
  if (!routing_) return;
  for (const auto& [group, queue] : routing_->queues)
    machine_.run_errand([this, group = group, queue = queue](caf::event_based_actor* self) {
      self->request(queue, caf::timespan{std::chrono::seconds{5}}, lookup_atom_v)
          .then(
              [this, group](uint32_t running, uint32_t waiting) {
                if (world_.quiet())
                  world_.book().require(
                      running == 0 && waiting == 0, "places are given back when all is quiet",
                      machine_.name() + " group " + group + ": " + std::to_string(running) +
                          " run, " + std::to_string(waiting) + " wait");
                world_.book().require(waiting <= exchanges_.size(), "queues stay bounded",
                                      std::to_string(waiting) + " wait");
              },
              [](caf::error&) {});
    });
}

// -- connectors' other requests -------------------------------------------------------------------

void node_process::serve_pull(configuration_pull pull,
                              std::function<void(runtime::result<connector_configuration>)> reply) {
  if (!handles_) return;
  const auto patience = pull.wait + local_timeout;
  machine_.ask<connector_configuration>(
      handles_->connectors, patience, [reply](connector_configuration c) { reply(std::move(c)); },
      [reply](runtime::error e) { reply(std::move(e)); }, pull_atom_v, pull);
}

void node_process::serve_renewal(renewal_request renewal,
                                 std::function<void(runtime::result<issued_certificate>)> reply) {
  if (!handles_) return;
  machine_.ask<issued_certificate>(
      handles_->authority, certificate_timeout,
      [reply](issued_certificate c) { reply(std::move(c)); },
      [reply](runtime::error e) { reply(std::move(e)); }, renew_atom_v, renewal);
}

}  // namespace postern::simulation
