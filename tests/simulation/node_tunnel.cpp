#include "tests/simulation/node_process.hpp"
#include "tests/simulation/world.hpp"

namespace postern::simulation {

using actors::heartbeat_tick;
using end = connection::end;

node_tunnel::node_tunnel(node_process& node, connection_ptr wire, actors::tunnel_info info)
    : node_(node), wire_(std::move(wire)), info_(std::move(info)) {}

template <class F>
void node_tunnel::tell_far(F what) {
  wire_->send(end::acceptor, [far = far_, what] {
    far->heard();
    what(*far);
  });
}

void node_tunnel::begin(std::shared_ptr<connector_tunnel> far) {
  far_ = std::move(far);
  wire_->on_closed(end::acceptor, [this] { end("connection lost"); });
  tell_far([](connector_tunnel& t) { t.on_hello(); });
  beat();
}

void node_tunnel::on_hello() {
  watch_.heard();
  attach();
}

void node_tunnel::attach() {
  node_.on().ask<actors::connector_connection_actor>(
      node_.handles()->connectors, std::chrono::seconds{5},
      [self = shared_from_this()](actors::connector_connection_actor connection) {
        auto& on = self->node_.on();
        self->connection_ = connection;
        const auto tell = [&](auto... content) {
          on.run_errand([=](caf::event_based_actor* me) { me->send(connection, content...); });
        };
        if (self->ended_) return tell(actors::closed_atom_v, self->why_);
        self->attached_ = true;
        self->serving_since_ = on.now();
        if (self->going_away_) tell(actors::drain_atom_v);
        if (self->silent()) tell(actors::silent_atom_v, true);
      },
      [self = shared_from_this()](const runtime::error& e) { self->cut(e.cause); },
      actors::attach_atom_v, info_);
}

bool node_tunnel::settled(duration since) const {
  return attached() && !going_away_ && !silent() && serving_since_ &&
         node_.on().now() - *serving_since_ > since;
}

void node_tunnel::beat() {
  node_.on().after(heartbeat_tick, [self = shared_from_this()] {
    if (!self->ended_) self->beat();
  });
  using actors::heartbeat_step;
  const auto next = watch_.tick();
  const auto tell_silence = [this](bool silent) {
    node_.in().book().note("tunnel " + std::to_string(number()) +
                           (silent ? " is silent" : " is heard again"));
    serving_since_ = node_.on().now();
    if (connection_)
      node_.on().run_errand([c = connection_, silent](caf::event_based_actor* me) {
        me->send(c, actors::silent_atom_v, silent);
      });
  };
  if (next == heartbeat_step::give_up) return cut("heartbeat_lost");
  if (next == heartbeat_step::back) return tell_silence(false);
  if (next == heartbeat_step::silent) {
    tell_silence(true);
    const auto all = streams_;
    for (const auto& [stream, from] : all)
      if (streams_.contains(stream)) from->on_silent();
  }
  if (next != heartbeat_step::none) tell_far([](connector_tunnel& t) { t.on_ping(); });
}

bool node_tunnel::submit(node_exchange& from, const request_head& head, bool ended) {
  const auto changing = !serving_since_ || node_.on().now() - *serving_since_ < heartbeat_tick;
  node_.in().book().require(!silent() || !counted_ || changing, "a silent connector gets nothing",
                            "tunnel " + std::to_string(number()));
  if (ended_ || going_away_ || silent()) return false;
  streams_[head.stream] = &from;
  node_.in().book().require(
      !counted_ || streams_.size() <= info_.capacity, "capacity is never exceeded",
      "tunnel " + std::to_string(number()) + ": " + std::to_string(streams_.size()));
  tell_far([head, ended](connector_tunnel& t) { t.on_request(head, ended); });
  return true;
}

void node_tunnel::hand_over(uint64_t stream) {
  tell_far([stream](connector_tunnel& t) { t.on_end(stream); });
}

void node_tunnel::reset(uint64_t stream) {
  if (streams_.erase(stream) == 0) return;
  tell_far([stream](connector_tunnel& t) { t.on_reset(stream); });
}

void node_tunnel::on_window(uint64_t stream) {
  watch_.heard();
  if (const auto i = streams_.find(stream); i != streams_.end()) i->second->on_window();
}

void node_tunnel::on_started(uint64_t stream) {
  watch_.heard();
  if (const auto i = streams_.find(stream); i != streams_.end()) i->second->on_started();
}

node_exchange* node_tunnel::take(uint64_t stream) {
  const auto i = streams_.find(stream);
  if (i == streams_.end()) return nullptr;
  auto* found = i->second;
  streams_.erase(i);
  return found;
}

void node_tunnel::on_response(uint64_t stream, const std::string& cause) {
  watch_.heard();
  if (auto* to = take(stream)) to->on_response(cause);
}

void node_tunnel::on_refused(uint64_t stream) {
  watch_.heard();
  if (auto* to = take(stream)) to->on_stream_end(stream_end::refused);
}

void node_tunnel::on_going_away() {
  watch_.heard();
  going_away_ = true;
  if (connection_)
    node_.on().run_errand(
        [c = connection_](caf::event_based_actor* me) { me->send(c, actors::drain_atom_v); });
}

void node_tunnel::on_ping() {
  watch_.heard();
  tell_far([](connector_tunnel& t) { t.on_ping_answer(); });
}

void node_tunnel::leave() {
  tell_far([](connector_tunnel& t) { t.on_going_away(); });
}

void node_tunnel::summon(const std::string& address) {
  if (!attached() || going_away_) return;
  tell_far([address](connector_tunnel& t) { t.on_summons(address); });
}

void node_tunnel::cut(const std::string& why) {
  wire_->close(end::acceptor);
  end(why);
}

void node_tunnel::end(const std::string& why) {
  if (std::exchange(ended_, true)) return;
  why_ = why;
  node_.in().book().note("tunnel " + std::to_string(number()) + " ends at " + node_.on().name() +
                         ": " + why);
  const auto self = shared_from_this();
  auto streams = std::exchange(streams_, {});
  for (const auto& [stream, from] : streams)
    from->on_stream_end(stream_end::lost);
  if (connection_)
    node_.on().run_errand([c = connection_, why](caf::event_based_actor* me) {
      me->send(c, actors::closed_atom_v, why);
    });
  node_.remove_tunnel(number());
  far_.reset();
}

}  // namespace postern::simulation
