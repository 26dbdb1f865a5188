#include "tests/simulation/connector_process.hpp"

#include "actors/connector_agent.hpp"
#include "tests/simulation/node_process.hpp"
#include "tests/simulation/world.hpp"

#include <caf/send.hpp>

namespace postern::simulation {

namespace {

constexpr std::chrono::seconds dial_patience{10};
constexpr std::chrono::seconds pull_grace{15};

runtime::error unreachable(const std::string& what) {
  return {runtime::error_category::unavailable, "service_unreachable", "service", what};
}

/// An answer that comes once: from the node, from the end of the connection, or from the patience.
template <class T>
struct waiting_answer {
  std::function<void(runtime::result<T>)> done;
  connection_ptr over;
  void settle(runtime::result<T> answer) {
    if (auto to = std::exchange(done, {})) to(std::move(answer));
    if (auto c = std::exchange(over, {})) c->close(connection::end::dialler);
  }
};

/// Dials a node and lets `serve` happen there; `done` gets the answer.
template <class T>
void call(world& w, machine& from, duration patience,
          std::function<void(node_process&, std::function<void(runtime::result<T>)>)> serve,
          std::function<void(runtime::result<T>)> done) {
  const auto waiting = std::make_shared<waiting_answer<T>>();
  waiting->done = std::move(done);
  from.after(patience, [waiting] { waiting->settle(unreachable("no answer in time")); });
  const auto index = w.pick_node();
  w.net().dial(from, w.node_machine(index), dial_patience, [=, &w](connection_ptr c) {
    if (!c) return waiting->settle(unreachable("nobody listens"));
    if (!waiting->done) return c->close(connection::end::dialler);
    waiting->over = c;
    c->on_closed(connection::end::dialler,
                 [waiting] { waiting->settle(unreachable("the connection was lost")); });
    c->send(connection::end::dialler, [=, &w] {
      serve(w.node(index), [=](runtime::result<T> answer) {
        c->send(connection::end::acceptor,
                [waiting, answer = std::make_shared<runtime::result<T>>(std::move(answer))] {
                  waiting->settle(std::move(*answer));
                });
      });
    });
  });
}

}  // namespace

connector_process::connector_process(world& w, machine& on, connector_identity& identity)
    : world_(w), machine_(on), identity_(identity) {}

void connector_process::start() {
  using namespace actors;
  instance_ = machine_.random().hex(8);
  io_ = machine_.own(machine_.system().spawn([this](connector_io_actor::pointer) {
    return connector_io_actor::behavior_type{
        [this](dial_atom, uint32_t slot) { dial(slot); },
        // There is one node, so its own address and the service's name are the same.
        [this](dial_atom, uint32_t slot, const std::string&) { dial(slot); },
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

void connector_process::dial(uint32_t slot) {
  ++active_;
  world_.net().dial(machine_, world_.node_machine(world_.pick_node()), dial_patience,
                    [this, slot](connection_ptr wire) {
                      if (!wire) return closed(slot, "service_unreachable");
                      open(slot, std::move(wire));
                    });
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
      world_, machine_, wait + pull_grace,
      [p](node_process& n, std::function<void(answer)> reply) {
        n.serve_pull(p, std::move(reply));
      },
      [this, known](answer a) { pulled(std::move(a), known); });
}

void connector_process::pulled(runtime::result<actors::connector_configuration> answer,
                               uint64_t known) {
  actors::pull_outcome outcome;
  outcome.failure.category = runtime::error_category::none;
  if (!answer) {
    world_.pull_failed(*this, answer.error());
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
      world_, machine_, std::chrono::seconds{20},
      [r](node_process& n, std::function<void(answer)> reply) {
        n.serve_renewal(r, std::move(reply));
      },
      [this](answer a) {
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
