#pragma once
// What lies between machines: links with a latency that can be cut, healed and slowed, and
// connections over them that keep order, as TCP does.

#include "tests/simulation/machine.hpp"

#include <set>
#include <vector>

namespace postern::simulation {

class network;

/// One connection. Each end has what it does with input; messages of one direction keep their
/// order. A cut link holds them back, a dead process answers with a reset, a frozen one lets them
/// lie.
class connection : public std::enable_shared_from_this<connection> {
 public:
  enum class end : uint8_t { dialler = 0, acceptor = 1 };

  connection(network& net, machine& dialler, machine& acceptor);

  /// What an end does when the other has closed or its process has died.
  void on_closed(end who, action what) { sides_[index(who)].on_closed = std::move(what); }
  /// Sends something from an end to the other: `what` happens there.
  void send(end from, action what);
  /// Closes an end; the other learns of it behind everything that was sent.
  void close(end from);
  bool open(end who) const noexcept { return sides_[index(who)].open; }
  machine& at(end who) const noexcept { return *sides_[index(who)].where; }

 private:
  friend class network;
  struct side {
    machine* where = nullptr;
    uint64_t generation = 0;
    bool open = true;
    actor_time last_arrival{};
    action on_closed;
  };
  static size_t index(end e) noexcept { return static_cast<size_t>(e); }
  static end other(end e) noexcept { return e == end::dialler ? end::acceptor : end::dialler; }
  void carry(end to, action what);
  void hear_of_close(end who);

  network& net_;
  side sides_[2];
};

using connection_ptr = std::shared_ptr<connection>;

/// All links. A link is named by its two machines.
class network {
 public:
  network(timeline& time, runtime::random_source& dice) : time_(time), dice_(dice) {}

  using dialled = std::function<void(connection_ptr)>;

  /// Opens a connection; `done` happens at the dialler with the connection, or with null if that
  /// fails: at once if no process listens, after `patience` if the link is cut. A frozen machine
  /// lets connections in.
  void dial(machine& from, machine& to, machine::door door, duration patience, dialled done);
  /// Whether a message from one to the other arrives at all now.
  bool joined(const machine& a, const machine& b) const { return !cut_.contains(link(a, b)); }
  void cut(const machine& a, const machine& b) {
    cut_.insert(link(a, b));
    changed_[link(a, b)] = time_.now();
  }
  /// Joins again; what was held back arrives.
  void heal(const machine& a, const machine& b);
  void slow(const machine& a, const machine& b, milliseconds by) { slow_[link(a, b)] = by; }
  /// Since when a link has neither been cut nor healed.
  actor_time unchanged_since(const machine& a, const machine& b) const;
  duration latency(const machine& a, const machine& b);
  /// The process has died: its kernel resets what was open.
  void died(machine& who);
  /// The connection is lost, on both ends (a firewall forgot it).
  void lose(const connection_ptr& c);
  /// Forgets all that is under way: the end of the world.
  void clear();
  /// Open connections between two machines.
  std::vector<connection_ptr> between(const machine& a, const machine& b);

 private:
  friend class connection;
  using link_name = std::pair<std::string, std::string>;
  static link_name link(const machine& a, const machine& b) {
    return std::minmax(a.name(), b.name());
  }
  void watch(const connection_ptr& c);

  timeline& time_;
  runtime::random_source& dice_;
  std::set<link_name> cut_;
  std::map<link_name, milliseconds> slow_;
  std::map<link_name, actor_time> changed_;
  std::map<link_name, std::map<uint64_t, action>> held_;  // in the order they were sent
  uint64_t sent_ = 0;
  std::vector<std::weak_ptr<connection>> all_;
};

}  // namespace postern::simulation
