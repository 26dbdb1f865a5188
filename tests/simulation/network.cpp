#include "tests/simulation/network.hpp"

namespace postern::simulation {

connection::connection(network& net, machine& dialler, machine& acceptor) : net_(net) {
  sides_[0].where = &dialler;
  sides_[1].where = &acceptor;
  for (auto& s : sides_)
    s.generation = s.where->generation();
}

void connection::send(end from, action what) {
  if (open(from)) carry(other(from), std::move(what));
}

void connection::carry(end to, action what) {
  auto& here = *sides_[index(other(to))].where;
  auto& there = sides_[index(to)];
  const auto key = network::link(here, *there.where);
  const auto number = ++net_.sent_;
  auto arrive = [self = shared_from_this(), to, what = std::move(what)]() mutable {
    auto& s = self->sides_[index(to)];
    if (s.generation != s.where->generation()) return;
    s.where->receive([self, to, what = std::move(what)] {
      if (self->open(to)) what();
    });
  };
  if (net_.cut_.contains(key)) {
    net_.held_[key].emplace(number, std::move(arrive));
    return;
  }
  there.last_arrival =
      std::max(there.last_arrival, net_.time_.now() + net_.latency(here, *there.where));
  net_.time_.at(there.last_arrival,
                [this, key, number, self = shared_from_this(), arrive]() mutable {
                  // What was on its way when the link was cut is lost, and sent again when it is
                  // healed.
                  if (net_.cut_.contains(key))
                    net_.held_[key].emplace(number, std::move(arrive));
                  else
                    arrive();
                });
}

void connection::close(end from) {
  auto& mine = sides_[index(from)];
  if (!std::exchange(mine.open, false)) return;
  mine.on_closed = {};
  carry(other(from), [self = shared_from_this(), to = other(from)] { self->hear_of_close(to); });
}

void connection::hear_of_close(end who) {
  auto& s = sides_[index(who)];
  if (!std::exchange(s.open, false)) return;
  if (auto what = std::exchange(s.on_closed, {})) what();
}

duration network::latency(const machine& a, const machine& b) {
  const auto slow = slow_.find(link(a, b));
  const duration extra = slow == slow_.end() ? duration::zero() : duration{slow->second};
  return std::chrono::microseconds{200 + dice_.below(1'800)} + extra;
}

void network::watch(const connection_ptr& c) {
  std::erase_if(all_, [](const auto& w) { return w.expired(); });
  all_.push_back(c);
}

actor_time network::unchanged_since(const machine& a, const machine& b) const {
  const auto i = changed_.find(link(a, b));
  return i == changed_.end() ? timeline::beginning : i->second;
}

void network::dial(machine& from, machine& to, machine::door door, duration patience,
                   dialled done) {
  if (!joined(from, to)) {
    from.after(patience, [done] { done(nullptr); });
    return;
  }
  const auto way = latency(from, to);
  from.after(2 * way, [this, &from, &to, door, patience, done]() mutable {
    if (!to.listens(door)) return done(nullptr);
    if (!joined(from, to)) return from.after(patience, [done] { done(nullptr); });
    auto c = std::make_shared<connection>(*this, from, to);
    watch(c);
    done(std::move(c));
  });
}

void network::heal(const machine& a, const machine& b) {
  const auto key = link(a, b);
  cut_.erase(key);
  changed_[key] = time_.now();
  auto held = std::exchange(held_[key], {});
  // TCP sends again by a timer of its own.
  const auto again = time_.now() + std::chrono::milliseconds{50 + dice_.below(400)};
  for (auto& [number, what] : held)
    time_.at(again, std::move(what));
  for (auto& w : all_)
    if (auto c = w.lock(); c && link(*c->sides_[0].where, *c->sides_[1].where) == key)
      for (auto& s : c->sides_)
        s.last_arrival = std::max(s.last_arrival, again);
}

void network::died(machine& who) {
  for (auto& w : all_) {
    auto c = w.lock();
    if (!c) continue;
    for (const auto e : {connection::end::dialler, connection::end::acceptor})
      if (&c->at(e) == &who) c->close(e);
  }
}

void network::lose(const connection_ptr& c) {
  for (const auto e : {connection::end::dialler, connection::end::acceptor})
    c->at(e).receive([c, e] { c->hear_of_close(e); });
}

void network::clear() {
  held_.clear();
  all_.clear();
}

std::vector<connection_ptr> network::between(const machine& a, const machine& b) {
  std::vector<connection_ptr> found;
  for (auto& w : all_)
    if (auto c = w.lock())
      if (link(c->at(connection::end::dialler), c->at(connection::end::acceptor)) == link(a, b) &&
          (c->open(connection::end::dialler) || c->open(connection::end::acceptor)))
        found.push_back(std::move(c));
  return found;
}

}  // namespace postern::simulation
