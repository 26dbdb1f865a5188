#include "actors/durable_store.hpp"

#include "actors/actor_support.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>

namespace postern::actors {

durable_store_actor::behavior_type durable_store(
    durable_store_actor::stateful_pointer<durable_store_state> self,
    std::shared_ptr<runtime::store> store) {
  using records = std::vector<runtime::stored_record>;
  using entries = std::vector<runtime::journal_entry>;
  report_crashes(self);
  self->state.store = std::move(store);
  return {
      [self](load_atom, const std::string& kind) -> caf::result<records> {
        return to_reply(self->state.store->load(kind));
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
