#pragma once
// Requests that meet an actor which has just crashed: its supervisor starts the next one within
// moments (actors/supervision), and so long they wait instead of failing.

#include "edge/edge_context.hpp"

#include <chrono>

namespace postern::edge {

/// One request's patience with restarts. One shard; begins with its construction.
class restart_patience {
 public:
  explicit restart_patience(const edge_context& context)
      : context_(context), begun_(std::chrono::steady_clock::now()) {}

  /// Whether to ask again after pause(): the error says that the actor has ended, and there is
  /// reason to expect its successor. A node that stops has none to come.
  bool allows(const runtime::error& why) const;

  /// Lets the successor come. Then the handles, or the routing, have to be looked up anew.
  runtime::awaitable<void> pause() const;

 private:
  const edge_context& context_;
  std::chrono::steady_clock::time_point begun_;
};

}  // namespace postern::edge
