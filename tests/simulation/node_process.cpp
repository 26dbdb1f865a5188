#include "tests/simulation/node_process.hpp"

#include "actors/timeouts.hpp"
#include "tests/simulation/world.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace postern::simulation {

using namespace actors;

namespace {

/// As of edge/node: the others notice its end by themselves, should the store not take its leave.
constexpr std::chrono::seconds leave_timeout{2};

}  // namespace

node_process::node_process(world& w, machine& on, cluster_settings settings)
    : world_(w),
      machine_(on),
      settings_(std::move(settings)),
      links_(*this, on),
      calm_since_(on.now()) {}

// -- start ----------------------------------------------------------------------------------------

void node_process::start() {
  auto& system = machine_.system();
  control_ = machine_.own(system.spawn([this](tunnel_control_actor::pointer) {
    return tunnel_control_actor::behavior_type{
        [this](shut_atom, tunnel_id id, const std::string& why) {
          if (!machine_.running()) return;
          if (auto t = find_tunnel(id.number)) t->cut(why);
        },
        [this](summon_atom, tunnel_id id, const std::string& address) {
          if (!machine_.running()) return;
          if (auto t = find_tunnel(id.number)) t->summon(address);
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
  store_ = world_.store().connect(machine_);
  node_environment environment{.store = store_,
                               .key_source = keys_,
                               .tunnel_control = control_,
                               .clock = &machine_.calendar(),
                               .random = &machine_.random(),
                               .wrapping_keys = world_.wrapping_keys(),
                               .connectors = world_.connector_options(),
                               .session = {},
                               .cluster = settings_,
                               .detached_store = false};
  if (!settings_.address.empty()) {
    links_.start();
    environment.transport = links_.transport();
    environment.gate = links_.gate();
  }
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
  broken();
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
      [this, asked = handles_](routing_ptr r) {
        routing_ = std::move(r);
        if (asked != handles_) return;
        whole_since_ = machine_.now();
        // It listens once it has started, as a program that waits for its store does.
        if (leaving_) return;
        machine_.listen(machine::door::cluster, !settings_.address.empty());
        machine_.listen(machine::door::service, true);
      },
      [](const runtime::error&) {}, subscribe_atom_v, router_);
}

std::optional<actor_time> node_process::whole_since() const {
  if (!machine_.running() || !whole_since_) return std::nullopt;
  return std::max({*whole_since_, calm_since_, machine_.thawed_at()});
}

std::optional<actor_time> node_process::in_touch_since() const {
  const auto whole = whole_since();
  const auto told = store_ ? store_->in_touch_since() : std::nullopt;
  return whole && told ? std::optional{std::max(*whole, *told)} : std::nullopt;
}

size_t node_process::own_actors() const {
  // The asking actor is the machine's own.
  constexpr size_t spawned = 5;
  return spawned + (settings_.address.empty() ? 0 : links_.count());
}

void node_process::ask_for_others() {
  if (!machine_.running() || !handles_) return;
  machine_.ask<std::vector<cluster_node>>(
      handles_->cluster, local_timeout,
      [this](std::vector<cluster_node> list) { others_ = std::move(list); },
      [](const runtime::error&) {}, list_atom_v);
}

// -- tunnels --------------------------------------------------------------------------------------

std::shared_ptr<node_tunnel> node_process::new_tunnel(connection_ptr wire, tunnel_info info) {
  info.id = {0, next_number()};
  return std::make_shared<node_tunnel>(*this, std::move(wire), std::move(info));
}

void node_process::accept_tunnel(const std::shared_ptr<node_tunnel>& t,
                                 std::shared_ptr<connector_tunnel> far) {
  world_.book().note("tunnel " + std::to_string(t->number()) + " of " + t->info().address + " at " +
                     machine_.name());
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

std::set<std::string> node_process::live_groups() const {
  std::set<std::string> groups;
  for (const auto& [number, t] : tunnels_)
    if (t->attached()) groups.insert(world_.group_of(t->info().connector));
  return groups;
}

void node_process::leave() {
  draining_ = true;
  if (!handles_) return close_service();
  machine_.ask_void(
      handles_->cluster, leave_timeout, [this] { close_service(); },
      [this](const runtime::error&) { close_service(); }, drain_atom_v);
}

void node_process::close_service() {
  leaving_ = true;
  machine_.listen(machine::door::service, false);
  for (const auto& [number, t] : tunnels_)
    t->leave();
}

void node_process::stop_waiting() {
  for (const auto& [id, e] : exchanges_)
    e->stop_waiting();
}

void node_process::shut() {
  caf::anon_send(supervisor_, shut_atom_v);
  opened_.clear();
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

const user_session_actor* node_process::opened(const std::string& session) const {
  const auto i = opened_.find(session);
  return i == opened_.end() ? nullptr : &i->second;
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
