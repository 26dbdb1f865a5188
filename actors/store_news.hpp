#pragma once
// How actors follow what others commit (durable_store tells them). Who uses it: the actors that
// keep a part of the store in memory.

#include "actors/actor_support.hpp"
#include "actors/contracts.hpp"
#include "actors/timeouts.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <string_view>

namespace postern::actors {

/// Whether news may concern records of a kind.
inline bool concerns(const runtime::store_news& news, std::string_view kind) {
  return news.kind.empty() || news.kind == kind;
}

/// Whether any of them may.
inline bool concerns(const std::vector<runtime::store_news>& news, std::string_view kind) {
  return std::ranges::any_of(news, [&](const auto& one) { return concerns(one, kind); });
}

/// Subscribes a behavior that takes `update_atom` with store_news. It ends with the error if that
/// fails: nothing may be kept in memory of which nobody tells when it changes.
template <class Handle, class Self>
void follow_store(Self self, const durable_store_actor& store) {
  const store_subscriber_actor me = Handle{self};
  self->request(store, store_timeout, subscribe_atom_v, me)
      .then([] {}, [self](caf::error& e) { self->quit(std::move(e)); });
}

}  // namespace postern::actors
