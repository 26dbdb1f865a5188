#include "actors/session_table.hpp"

#include <utility>

namespace postern::actors {

user_session_actor session_table::find(const access_session& session, timestamp now) {
  const auto known = by_id_.find(session.id);
  if (known == by_id_.end() || known->second->session != session) return {};
  order_.splice(order_.begin(), order_, known->second);
  known->second->last_used = now;
  return known->second->actor;
}

std::vector<user_session_actor> session_table::insert(entry added, size_t limit) {
  std::vector<user_session_actor> ended;
  if (const auto same = by_id_.find(added.session.id); same != by_id_.end())
    ended.push_back(take(same->second));
  order_.push_front(std::move(added));
  by_id_[order_.front().session.id] = order_.begin();
  by_actor_[order_.front().actor.id()] = order_.begin();
  if (order_.size() > limit) ended.push_back(take(std::prev(order_.end())));
  return ended;
}

std::vector<user_session_actor> session_table::remove_if(
    const std::function<bool(const entry&)>& matches) {
  std::vector<user_session_actor> removed;
  for (auto at = order_.begin(); at != order_.end();) {
    const auto here = at++;
    if (matches(*here)) removed.push_back(take(here));
  }
  return removed;
}

void session_table::remove(const caf::actor_addr& ended) {
  const auto known = by_actor_.find(ended.id());
  if (known != by_actor_.end()) take(known->second);
}

user_session_actor session_table::take(place at) {
  auto actor = std::move(at->actor);
  by_actor_.erase(actor.id());
  by_id_.erase(at->session.id);
  order_.erase(at);
  return actor;
}

}  // namespace postern::actors
