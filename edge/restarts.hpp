#pragma once
// Requests that meet an actor which has just crashed: its supervisor starts the next one within
// moments (actors/supervision), and so long they wait instead of failing.

#include "actors/restart_patience.hpp"
#include "edge/edge_context.hpp"

namespace postern::edge {

/// One request's wait for the next actor of one kind (actors/restart_patience). One shard.
class restart_wait {
 public:
  explicit restart_wait(const edge_context& context) : context_(context) {}

  /// Call before each question; returns when that is.
  std::chrono::steady_clock::time_point asking() noexcept {
    return asked_ = std::chrono::steady_clock::now();
  }

  /// Whether to ask again after pause(): the error says that the actor has ended, and there is
  /// reason to expect its successor. A node that stops has none to come.
  bool allows(const runtime::error& why) noexcept;

  /// Lets the successor come. Then the handles, or the routing, have to be looked up anew.
  runtime::awaitable<void> pause() const;

 private:
  const edge_context& context_;
  actors::restart_patience patience_;
  std::chrono::steady_clock::time_point asked_;
};

}  // namespace postern::edge
