#include "actors/durable_store.hpp"

#include "actors/actor_support.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace postern::actors {

namespace {

using pointer = durable_store_actor::stateful_pointer<durable_store_state>;

void subscribe(pointer self, const store_subscriber_actor& who) {
  auto& state = self->state;
  if (std::ranges::find(state.subscribers, who) != state.subscribers.end()) return;
  self->monitor(who);
  state.subscribers.push_back(who);
  if (state.watch) return;
  // The watcher outlives neither the store nor this state, but may run on any thread: it knows the
  // address only.
  state.watch =
      state.store->watch([me = self->address()](const std::vector<runtime::store_news>& news) {
        if (auto alive = caf::actor_cast<durable_store_actor>(me))
          caf::anon_send(alive, update_atom_v, news);
      });
}

}  // namespace

durable_store_actor::behavior_type durable_store(
    durable_store_actor::stateful_pointer<durable_store_state> self,
    std::shared_ptr<runtime::store> store) {
  using records = std::vector<runtime::stored_record>;
  using entries = std::vector<runtime::journal_entry>;
  report_crashes(self);
  self->state.store = std::move(store);
  self->set_down_handler([self](const caf::down_msg& down) {
    std::erase_if(self->state.subscribers,
                  [&](const auto& subscriber) { return subscriber.address() == down.source; });
  });
  return {
      [self](load_atom, const std::string& kind) -> caf::result<records> {
        return to_reply(self->state.store->load(kind));
      },
      [self](find_atom, const std::string& kind, const std::string& key) -> caf::result<records> {
        auto found = self->state.store->find(kind, key);
        if (!found) return runtime::to_caf(found.error());
        return *found ? records{std::move(**found)} : records{};
      },
      [self](subscribe_atom, const store_subscriber_actor& who) { subscribe(self, who); },
      [self](update_atom, const std::vector<runtime::store_news>& news) {
        for (const auto& subscriber : self->state.subscribers)
          self->send(subscriber, update_atom_v, news);
      },
      [self](commit_atom, const std::vector<runtime::store_change>& changes)
          -> caf::result<uint64_t> { return to_reply(self->state.store->commit(changes)); },
      [self](append_atom, const entries& added) -> caf::result<void> {
        return to_reply(self->state.store->append(added));
      },
      [self](list_atom, const std::string& journal, uint64_t before,
             uint32_t limit) -> caf::result<entries> {
        return to_reply(self->state.store->read_journal(journal, before,
                                                        std::min(limit, largest_journal_page)));
      },
  };
}

}  // namespace postern::actors
