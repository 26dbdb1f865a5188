#include "tests/simulation/connector_process.hpp"

#include "actors/connector_agent.hpp"
#include "tests/simulation/node_process.hpp"
#include "tests/simulation/world.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace postern::simulation {

namespace {

constexpr std::chrono::seconds dial_patience{10};
/// As runtime::limits::connection_attempt_delay.
constexpr std::chrono::milliseconds next_address_after{250};
constexpr std::chrono::seconds pull_grace{15};

runtime::error unreachable(const std::string& what) {
  return {runtime::error_category::unavailable, "service_unreachable", "service", what};
}

/// Since when a node had been in touch with the store when it answered.
using touch = std::optional<actor_time>;

/// An answer that comes once: from the node, from the end of the connection, or from the patience.
template <class T>
struct waiting_answer {
  std::function<void(runtime::result<T>, touch)> done;
  connection_ptr over;
  void settle(runtime::result<T> answer, touch by = {}) {
    if (auto to = std::exchange(done, {})) to(std::move(answer), by);
    if (auto c = std::exchange(over, {})) c->close(connection::end::dialler);
  }
};

/// Dials the service and lets `serve` happen at the node.
template <class T>
void call(world& w, connector_process& from, duration patience,
          std::function<void(node_process&, std::function<void(runtime::result<T>)>)> serve,
          std::function<void(runtime::result<T>, touch)> done) {
  const auto waiting = std::make_shared<waiting_answer<T>>();
  waiting->done = std::move(done);
  from.on().after(patience, [waiting] { waiting->settle(unreachable("no answer in time")); });
  from.dial_service([=, &w](connection_ptr c) {
    if (!c || !c->open(connection::end::acceptor))
      return waiting->settle(unreachable("nobody listens"));
    if (!waiting->done) return c->close(connection::end::dialler);
    waiting->over = c;
    c->on_closed(connection::end::dialler,
                 [waiting] { waiting->settle(unreachable("the connection was lost")); });
    auto* node = &w.node_at(c->at(connection::end::acceptor));
    c->send(connection::end::dialler, [=] {
      serve(*node, [=](runtime::result<T> answer) {
        c->send(connection::end::acceptor,
                [waiting, by = node->in_touch_since(),
                 answer = std::make_shared<runtime::result<T>>(std::move(answer))] {
                  waiting->settle(std::move(*answer), by);
                });
      });
    });
  });
}

}  // namespace

connector_process::connector_process(world& w, machine& on, connector_identity& identity)
    : world_(w), machine_(on), identity_(identity), preferred_(identity.resolved) {}

void connector_process::start() {
  using namespace actors;
  instance_ = machine_.random().hex(8);
  io_ = machine_.own(machine_.system().spawn([this](connector_io_actor::pointer) {
    return connector_io_actor::behavior_type{
        [this](dial_atom, uint32_t slot) { dial(slot); },
        [this](dial_atom, uint32_t slot, const std::string& address) { dial(slot, address); },
        [this](drain_atom, uint32_t slot) {
          if (const auto i = tunnels_.find(slot); i != tunnels_.end()) i->second->drain();
        },
        [this](pull_atom, uint64_t known, milliseconds wait) { pull(known, wait); },
        [this](renew_atom) { renew(); },
        [this](update_atom, const connector_configuration& fresh) {
          capacity_ = fresh.exchanges;
          applications_.clear();
          for (const auto& a : fresh.applications)
            applications_.insert(a.name);
        }};
  }));
  agent_ = machine_.own(machine_.system().spawn(
      connector_agent, connector_agent_dependencies{io_, &machine_.random()}));
  caf::anon_send(agent_, start_atom_v);
}

// -- tunnels --------------------------------------------------------------------------------------

void connector_process::dial_service(network::dialled done) {
  std::vector<size_t> order;
  for (size_t i = 0; i < world_.node_count(); ++i)
    order.push_back((preferred_ + i) % world_.node_count());
  try_nodes(std::move(order), std::move(done));
}

void connector_process::try_nodes(std::vector<size_t> left, network::dialled done) {
  const auto next = left.front();
  left.erase(left.begin());
  const duration patience = left.empty() ? duration{dial_patience} : duration{next_address_after};
  world_.net().dial(
      machine_, world_.node_machine(next), machine::door::service, patience,
      [this, next, left = std::move(left), done = std::move(done)](connection_ptr wire) mutable {
        if (!wire && !left.empty()) return try_nodes(std::move(left), std::move(done));
        if (!wire) return done(nullptr);
        preferred_ = next;
        shake_hands(std::move(wire), std::move(done));
      });
}

void connector_process::shake_hands(connection_ptr wire, network::dialled done) {
  // TLS: whoever stands still lets a connection in and says nothing.
  const auto waiting = std::make_shared<network::dialled>(std::move(done));
  const auto settle = [waiting](connection_ptr with) {
    if (auto to = std::exchange(*waiting, {})) to(std::move(with));
  };
  machine_.after(dial_patience, [wire, waiting, settle] {
    if (!*waiting) return;
    wire->close(connection::end::dialler);
    settle(nullptr);
  });
  wire->on_closed(connection::end::dialler, [settle] { settle(nullptr); });
  wire->send(connection::end::dialler, [wire, settle] {
    wire->send(connection::end::acceptor, [wire, settle] {
      wire->on_closed(connection::end::dialler, {});
      settle(wire);
    });
  });
}

void connector_process::dial(uint32_t slot) {
  ++active_;
  dial_service([this, slot](connection_ptr wire) { dialled(slot, std::move(wire)); });
}

void connector_process::dial(uint32_t slot, const std::string& address) {
  ++active_;
  auto* to = world_.machine_of_service(address);
  if (to == nullptr) return closed(slot, "service_unreachable");
  world_.net().dial(
      machine_, *to, machine::door::service, dial_patience, [this, slot](connection_ptr wire) {
        if (!wire) return dialled(slot, nullptr);
        shake_hands(std::move(wire),
                    [this, slot](connection_ptr shaken) { dialled(slot, std::move(shaken)); });
      });
}

void connector_process::dialled(uint32_t slot, connection_ptr wire) {
  // The node may have died at the very moment of its last word.
  if (!wire || !wire->open(connection::end::acceptor)) return closed(slot, "service_unreachable");
  open(slot, std::move(wire));
}

void connector_process::summoned(const std::string& address) {
  caf::anon_send(agent_, actors::summon_atom_v, address);
}

void connector_process::open(uint32_t slot, connection_ptr wire) {
  auto mine = std::make_shared<connector_tunnel>(*this, wire, slot);
  tunnels_[slot] = mine;
  actors::tunnel_info info;
  info.connector = identity_.id;
  info.serial = world_.serial_of(identity_.certificate_pem);
  info.instance = instance_;
  info.version = POSTERN_VERSION;
  info.address = machine_.name();
  info.capacity = capacity_;
  auto& node = world_.node_at(wire->at(connection::end::acceptor));
  auto far = node.new_tunnel(wire, info);
  mine->begin(far);
  // The end of the handshake: only now the node knows.
  wire->send(connection::end::dialler, [&node, far, mine] { node.accept_tunnel(far, mine); });
}

void connector_process::on_opened(uint32_t slot) {
  caf::anon_send(agent_, actors::opened_atom_v, slot);
}

void connector_process::on_tunnel_ended(uint32_t slot, const std::string& why) {
  tunnels_.erase(slot);
  closed(slot, why);
}

void connector_process::closed(uint32_t slot, const std::string& cause) {
  --active_;
  world_.book().note(machine_.name() + " tunnel " + std::to_string(slot) + " closed: " + cause);
  caf::anon_send(agent_, actors::closed_atom_v, slot,
                 runtime::error{runtime::error_category::unavailable, cause, "service", {}});
}

size_t connector_process::running() const {
  size_t sum = 0;
  for (const auto& [slot, t] : tunnels_)
    sum += t->running();
  return sum;
}

void connector_process::on_step(unsigned step) {
  if (freezes_at_ != step) return;
  freezes_at_.reset();
  machine_.freeze();
}

void connector_process::drain() {
  draining_ = true;
  caf::anon_send(agent_, actors::drain_atom_v);
}

// -- configuration and certificate ----------------------------------------------------------------

void connector_process::pull(uint64_t known, milliseconds wait) {
  actors::configuration_pull p;
  p.connector = identity_.id;
  p.certificate_pem = identity_.certificate_pem;
  p.instance = instance_;
  p.address = machine_.name();
  p.known_version = known;
  p.wait = wait;
  using answer = runtime::result<actors::connector_configuration>;
  call<actors::connector_configuration>(
      world_, *this, wait + pull_grace,
      [p](node_process& n, std::function<void(answer)> reply) {
        n.serve_pull(p, std::move(reply));
      },
      [this, known](answer a, touch by) { pulled(std::move(a), known, by); });
}

void connector_process::pulled(runtime::result<actors::connector_configuration> answer,
                               uint64_t known, touch by) {
  actors::pull_outcome outcome;
  outcome.failure.category = runtime::error_category::none;
  if (!answer) {
    world_.pull_failed(*this, answer.error(), by);
    outcome.failure = answer.error();
  } else if (answer->version != known) {
    outcome.configuration =
        std::make_shared<const actors::connector_configuration>(std::move(*answer));
  }
  caf::anon_send(agent_, actors::pulled_atom_v, std::move(outcome));
}

void connector_process::renew() {
  actors::renewal_request r;
  r.csr_der = runtime::make_certificate_request(world_.connector_key(), identity_.id);
  r.certificate_pem = identity_.certificate_pem;
  r.address = machine_.name();
  using answer = runtime::result<actors::issued_certificate>;
  call<actors::issued_certificate>(
      world_, *this, std::chrono::seconds{20},
      [r](node_process& n, std::function<void(answer)> reply) {
        n.serve_renewal(r, std::move(reply));
      },
      [this](answer a, touch) {
        runtime::error failure{runtime::error_category::none, {}, {}, {}};
        if (a) {
          world_.renewed(*this);
          identity_.certificate_pem = a->certificate_pem;
        } else {
          failure = a.error();
        }
        caf::anon_send(agent_, actors::renewed_atom_v, failure);
      });
}

}  // namespace postern::simulation
