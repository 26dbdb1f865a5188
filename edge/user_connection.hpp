#pragma once
// A user's connection as its shard sees it, whatever it speaks.

#include "runtime/awaitable.hpp"

namespace postern::edge {

/// Held by std::shared_ptr; keeps itself alive while run() lasts. One shard.
class user_connection {
 public:
  virtual ~user_connection() = default;

  /// Serves the connection until it ends. Call once.
  virtual runtime::awaitable<void> run() = 0;

  /// The node has all the connections that it wants: this one ends after one request, which is
  /// answered only if it is for the service's own names. Before run().
  virtual void make_brief() = 0;

  /// The node is about to leave: requests are still served, and told that they are the last ones;
  /// streams that may last for long are told to move.
  virtual void drain() = 0;

  /// The node leaves: what is idle ends now, what is busy after its responses.
  virtual void leave() = 0;

  /// The node has waited long enough for exchanges that have no connection yet.
  virtual void stop_waiting() = 0;

  /// Ends now, whatever runs.
  virtual void end() = 0;
};

}  // namespace postern::edge
