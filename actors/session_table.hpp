#pragma once
// The sessions in memory and which of them may go first. Who uses it: session_registry.

#include "actors/contracts.hpp"

#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace postern::actors {

/// The live sessions in the order they were last woken. Holds handles, sends nothing.
class session_table {
 public:
  struct entry {
    access_session session;
    user_session_actor actor;
    timestamp last_used;  ///< when it was last woken
  };

  /// The session's actor, which becomes the most recently woken; null if there is none, or one with
  /// other content under the same id.
  user_session_actor find(const access_session& session, timestamp now);

  /// Adds a session. Returns what has to end for it: the one of the same id, and the longest unused
  /// one beyond `limit`.
  std::vector<user_session_actor> insert(entry added, size_t limit);

  /// Removes and returns the sessions that `matches`.
  std::vector<user_session_actor> remove_if(const std::function<bool(const entry&)>& matches);

  /// Removes the session of an actor that has ended.
  void remove(const caf::actor_addr& ended);

  size_t size() const noexcept { return order_.size(); }
  const std::list<entry>& entries() const noexcept { return order_; }  ///< the last woken first

 private:
  using place = std::list<entry>::iterator;
  user_session_actor take(place at);

  std::list<entry> order_;
  std::unordered_map<std::string, place> by_id_;
  std::unordered_map<caf::actor_id, place> by_actor_;
};

}  // namespace postern::actors
