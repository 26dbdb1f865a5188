#include "connector/limits.hpp"
#include "tests/simulation/connector_process.hpp"
#include "tests/simulation/world.hpp"

namespace postern::simulation {

using end = connection::end;

connector_tunnel::connector_tunnel(connector_process& connector, connection_ptr wire, uint32_t slot)
    : connector_(connector), wire_(std::move(wire)), slot_(slot), lease_(connector.on().now()) {}

template <class F>
void connector_tunnel::tell_far(F what) {
  if (!ended_) wire_->send(end::dialler, [far = far_, what] { what(*far); });
}

void connector_tunnel::begin(std::shared_ptr<node_tunnel> far) {
  far_ = std::move(far);
  wire_->on_closed(end::dialler, [this] { close("connection lost"); });
  beat();
}

// -- heartbeat and lease --------------------------------------------------------------------------

void connector_tunnel::heard() {
  if (!ended_) follow(lease_.on_heard(connector_.on().now()));
}

void connector_tunnel::beat() {
  connector_.on().after(actors::heartbeat_tick, [self = shared_from_this()] {
    if (self->ended_) return;
    self->beat();
    self->follow(self->lease_.on_beat(self->connector_.on().now()));
  });
}

void connector_tunnel::follow(actors::tunnel_lease::step next) {
  if (next == actors::tunnel_lease::step::ping) ping();
  if (next == actors::tunnel_lease::step::give_up) close("heartbeat_lost");
}

uint64_t connector_tunnel::ping() {
  tell_far([](node_tunnel& t) { t.on_ping(); });
  return lease_.ping();
}

void connector_tunnel::on_ping() {
  tell_far([](node_tunnel& t) { t.on_ping_answer(); });
}

void connector_tunnel::on_ping_answer() {
  lease_.on_ping_answer();
  if (farewell_ != 0 && lease_.answered(farewell_)) node_knows_ = true;
  end_if_left();
}

void connector_tunnel::on_hello() {
  tell_far([](node_tunnel& t) { t.on_hello(); });
  connector_.on_opened(slot_);
}

// -- exchanges ------------------------------------------------------------------------------------

void connector_tunnel::on_request(const request_head& head, bool ended) {
  if (ended_) return;
  connector_.in().check_request(connector_, head);
  exchanges_[head.stream] = {head, step::connecting, ended};
  connector_.in().book().require(exchanges_.size() <= connector_.capacity() * 2UL,
                                 "a connector's capacity is never exceeded",
                                 connector_.on().name());
  if (!may_start(head.stream)) return;
  if (!connector_.knows(head.application)) return respond(head.stream, "application_unknown");
  // Reusing a connection to the origin or dialling one.
  auto& dice = connector_.in().dice();
  const auto wait = std::chrono::microseconds{dice.below(4) == 0 ? dice.below(20'000) : 50};
  connector_.on().after(
      wait, [self = shared_from_this(), stream = head.stream] { self->reach_origin(stream); });
  connector_.on_step(0);
}

bool connector_tunnel::may_start(uint64_t stream) {
  if (!exchanges_.contains(stream)) return false;
  if (lease_.holds(connector_.on().now())) return true;
  exchanges_.erase(stream);
  tell_far([stream](node_tunnel& t) { t.on_refused(stream); });
  end_if_left();
  return false;
}

void connector_tunnel::reach_origin(uint64_t stream) {
  if (!may_start(stream)) return;
  auto& e = exchanges_.at(stream);
  if (e.head.how == method::post && !e.ended) {
    e.at = step::fenced;
    tell_far([stream](node_tunnel& t) { t.on_window(stream); });
    return connector_.on_step(1);
  }
  announce(stream);
}

void connector_tunnel::announce(uint64_t stream) {
  if (!may_start(stream)) return;
  auto& e = exchanges_.at(stream);
  if (repeatable(e.head.how)) return start(stream);
  e.at = step::announcing;
  tell_far([stream](node_tunnel& t) { t.on_started(stream); });
  connector_.on().after(duration::zero(),
                        [self = shared_from_this(), stream] { self->start(stream); });
  connector_.on_step(2);
}

void connector_tunnel::start(uint64_t stream) {
  if (!may_start(stream)) return;
  auto& e = exchanges_.at(stream);
  e.at = step::started;
  if (e.ended) return deliver(stream);
  tell_far([stream](node_tunnel& t) { t.on_window(stream); });
  connector_.on_step(3);
}

void connector_tunnel::on_end(uint64_t stream) {
  const auto i = exchanges_.find(stream);
  if (ended_ || i == exchanges_.end()) return;
  i->second.ended = true;
  const auto at = i->second.at;
  // The exchange's own coroutine goes on later in this turn.
  if (at == step::fenced)
    connector_.on().after(duration::zero(),
                          [self = shared_from_this(), stream] { self->announce(stream); });
  else if (at == step::started)
    deliver(stream);
  connector_.on_step(4);
}

void connector_tunnel::deliver(uint64_t stream) {
  const auto i = exchanges_.find(stream);
  if (i == exchanges_.end()) return;
  const auto& head = i->second.head;
  // What has been begun is not completed either before the node was heard again.
  if (!repeatable(head.how) && !lease_.holds(connector_.on().now())) {
    connector_.on().after(connector::limits::lease_poll,
                          [self = shared_from_this(), stream] { self->deliver(stream); });
    return;
  }
  connector_.in().origin_gets(connector_, head,
                              [self = shared_from_this(), stream](const std::string& cause) {
                                self->respond(stream, cause);
                              });
  connector_.on_step(5);
}

void connector_tunnel::respond(uint64_t stream, const std::string& cause) {
  if (exchanges_.erase(stream) == 0) return;
  tell_far([stream, cause](node_tunnel& t) { t.on_response(stream, cause); });
  end_if_left();
}

void connector_tunnel::on_reset(uint64_t stream) {
  exchanges_.erase(stream);
  end_if_left();
}

// -- leaving --------------------------------------------------------------------------------------

void connector_tunnel::drain() {
  if (std::exchange(leaving_, true)) return;
  tell_far([](node_tunnel& t) { t.on_going_away(); });
  farewell_ = ping();
}

void connector_tunnel::on_going_away() {
  leaving_ = node_knows_ = true;
  end_if_left();
}

void connector_tunnel::on_summons(const std::string& address) {
  if (!ended_) connector_.summoned(address);
}

void connector_tunnel::end_if_left() {
  if (node_knows_ && exchanges_.empty()) close("tunnel_drained");
}

void connector_tunnel::close(const std::string& why) {
  if (std::exchange(ended_, true)) return;
  const auto self = shared_from_this();
  wire_->close(end::dialler);
  exchanges_.clear();
  far_.reset();
  connector_.on_tunnel_ended(slot_, why);
}

}  // namespace postern::simulation
