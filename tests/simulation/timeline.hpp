#pragma once
// The world's one clock and everything that will happen at some time of it. Who uses it: machines,
// the network, users and faults of a simulation.

#include "actors/dispatch_board.hpp"

#include <functional>
#include <map>
#include <optional>

namespace postern::simulation {

using actors::actor_time;
using actors::milliseconds;
using duration = std::chrono::nanoseconds;
using action = std::function<void()>;

/// Virtual time. Events of one moment happen in the order in which they were made, so that the same
/// seed always makes the same world.
class timeline {
 public:
  /// The clock of CAF's test coordinator begins there.
  static constexpr actor_time beginning{std::chrono::hours{1}};

  actor_time now() const noexcept { return now_; }
  duration elapsed() const noexcept { return now_ - beginning; }

  void at(actor_time when, action what) { events_.emplace(std::max(when, now_), std::move(what)); }
  void after(duration wait, action what) { at(now_ + wait, std::move(what)); }

  std::optional<actor_time> next() const {
    return events_.empty() ? std::nullopt : std::optional{events_.begin()->first};
  }
  void advance_to(actor_time when) noexcept { now_ = std::max(now_, when); }

  void clear() noexcept { events_.clear(); }

  /// Takes out what is due first, if anything is due by now.
  action take_due() {
    if (events_.empty() || events_.begin()->first > now_) return {};
    auto what = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    return what;
  }

 private:
  actor_time now_ = beginning;
  std::multimap<actor_time, action> events_;
};

}  // namespace postern::simulation
