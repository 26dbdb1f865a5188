#include "tests/simulation/node_links.hpp"

#include "tests/simulation/node_process.hpp"
#include "tests/simulation/world.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace postern::simulation {

using namespace actors;

namespace {

/// As of runtime/cluster_link: whether anybody is there at all.
constexpr std::chrono::seconds probe_patience{2};

}  // namespace

// -- one link -------------------------------------------------------------------------------------

node_link::node_link(node_links& links, connection_ptr wire, end mine)
    : links_(links),
      wire_(std::move(wire)),
      mine_(mine),
      generation_(peer().generation()),
      heard_(links.machine_.now()) {
  wire_->on_closed(mine_, [this] { drop(); });
}

template <class F>
void node_link::tell_far(F what) {
  if (over_ || !far_) return;
  wire_->send(mine_, [far = far_, what] {
    if (far->over_) return;
    far->heard_ = far->links_.machine_.now();
    what(*far);
  });
}

void node_link::greet(const std::shared_ptr<node_link>& far) {
  far_ = far;
  far->far_ = shared_from_this();
  tell_far([](node_link& l) { l.on_server_hello(); });
}

void node_link::on_server_hello() {
  // A second connection to a node is redundant: the first one counts.
  if (const auto known = links_.find(peer(), generation_)) {
    for (auto& q : std::exchange(questions_, {}))
      known->questions_.push_back(std::move(q));
    known->settle();
    return drop();
  }
  establish();
  tell_far([](node_link& l) { l.on_client_hello(); });
  settle();
}

void node_link::on_client_hello() {
  // Left alone if that node is still connected as far as is known here. Nothing is said over it
  // then, and whoever dialled finds that out.
  if (!links_.find(peer(), generation_)) establish();
}

void node_link::establish() {
  auto& on = links_.machine_;
  established_at_ = on.now();
  stand_in_ = on.own(on.system().spawn([weak = weak_from_this()](cluster_peer_actor::pointer) {
    return cluster_peer_actor::behavior_type{[weak](deliver_atom, const std::string& bytes) {
      if (const auto self = weak.lock())
        self->tell_far([bytes](node_link& l) { l.on_message(bytes); });
    }};
  }));
  links_.node_.in().book().note(on.name() + " is linked to " + peer().name());
}

void node_link::settle() {
  for (auto& q : std::exchange(questions_, {}))
    caf::anon_send(links_.transport_,
                   errand{[q, to = stand_in_](caf::event_based_actor*) mutable { q.deliver(to); }});
}

void node_link::on_message(const std::string& bytes) {
  if (established()) caf::send_as(stand_in_, links_.gate_, deliver_atom_v, bytes);
}

bool node_link::beat() {
  if (links_.machine_.now() - heard_ > runtime::cluster_silence) return false;
  if (established()) tell_far([](node_link&) {});
  return true;
}

void node_link::drop() {
  if (std::exchange(over_, true)) return;
  const auto self = shared_from_this();
  wire_->close(mine_);
  far_.reset();
  std::erase(links_.links_, self);
  if (established()) {
    links_.node_.in().book().note(links_.machine_.name() + " has lost its link to " +
                                  peer().name());
    caf::anon_send_exit(stand_in_, caf::exit_reason::remote_link_unreachable);
  }
  for (auto& q : std::exchange(questions_, {}))
    links_.dialling_[address_].push_back(std::move(q));
  if (!address_.empty()) links_.refuse(address_);
}

// -- all of a node --------------------------------------------------------------------------------

node_links::node_links(node_process& node, machine& on) : node_(node), machine_(on) {}

void node_links::start() {
  auto& system = machine_.system();
  gate_ = machine_.own(system.spawn([this](cluster_peer_actor::pointer self) {
    return cluster_peer_actor::behavior_type{[this, self](deliver_atom, const std::string& bytes) {
      const auto& known = node_.handles();
      if (!known || !self->current_sender()) return;
      self->send(known->cluster, deliver_atom_v,
                 caf::actor_cast<cluster_peer_actor>(self->current_sender()), bytes);
    }};
  }));
  using transport = decltype(transport_);
  transport_ = machine_.own(system.spawn([this](transport::pointer self) {
    return transport::behavior_type{
        [this, self](dial_atom, const std::string& address) -> caf::result<cluster_peer_actor> {
          auto answer = self->make_response_promise<cluster_peer_actor>();
          dial(address, answer);
          return answer;
        },
        [](const errand& what) { what(nullptr); }};
  }));
  beat();
}

std::shared_ptr<node_link> node_links::find(const machine& peer, uint64_t generation) const {
  for (const auto& l : links_)
    if (l->established() && &l->peer() == &peer && l->generation() == generation) return l;
  return nullptr;
}

std::optional<actor_time> node_links::linked_since(const machine& other) const {
  if (const auto l = find(other, other.generation())) return l->established_at();
  return std::nullopt;
}

size_t node_links::count() const {
  return 2 + static_cast<size_t>(std::count_if(links_.begin(), links_.end(),
                                               [](const auto& l) { return l->established(); }));
}

void node_links::forget() {
  dialling_.clear();
  for (const auto& l : links_)
    l->far_.reset();
  links_.clear();
}

void node_links::dial(const std::string& address, node_link::answer answer) {
  for (const auto& l : links_) {
    if (l->address_ != address) continue;
    l->questions_.push_back(std::move(answer));
    if (l->established()) l->settle();
    return;
  }
  auto& waiting = dialling_[address];
  waiting.push_back(std::move(answer));
  if (waiting.size() > 1) return;
  auto* to = node_.in().machine_of_node(address);
  if (to == nullptr) return refuse(address);
  node_.in().net().dial(machine_, *to, machine::door::cluster, probe_patience,
                        [this, address](connection_ptr wire) {
                          if (!wire) return refuse(address);
                          open(address, std::move(wire));
                        });
}

void node_links::open(const std::string& address, connection_ptr wire) {
  auto mine = std::make_shared<node_link>(*this, wire, connection::end::dialler);
  mine->address_ = address;
  mine->questions_ = std::exchange(dialling_[address], {});
  links_.push_back(mine);
  auto& there = node_.in().node_at(wire->at(connection::end::acceptor));
  wire->send(connection::end::dialler, [mine, wire, &there] {
    auto far = std::make_shared<node_link>(there.links(), wire, connection::end::acceptor);
    there.links().links_.push_back(far);
    far->greet(mine);
  });
}

void node_links::refuse(const std::string& address) {
  for (auto& q : std::exchange(dialling_[address], {}))
    caf::anon_send(transport_, errand{[q](caf::event_based_actor*) mutable {
                     q.deliver(runtime::to_caf({runtime::error_category::unavailable,
                                                "cluster_unreachable", "service", "simulated"}));
                   }});
}

void node_links::beat() {
  machine_.after(runtime::cluster_heartbeat, [this] {
    beat();
    for (const auto& l : std::vector{links_})
      if (!l->beat()) l->drop();
  });
}

}  // namespace postern::simulation
