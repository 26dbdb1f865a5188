#pragma once
// The one writer of durable state: puts a mailbox in front of a runtime::store. Who uses it: every
// actor that keeps something. Messages of one sender are served in the order they were sent.

#include "actors/contracts.hpp"

#include <memory>

namespace postern::actors {

/// Owns its share of the store; knows nothing of what is in it.
struct durable_store_state {
  static constexpr const char* name = "durable_store";

  std::shared_ptr<runtime::store> store;
  std::vector<store_subscriber_actor> subscribers;
  std::shared_ptr<void> watch;  ///< of the store, from the first subscriber on
};

/// Spawn it detached where the medium blocks (`spawn<caf::detached>`); tests and simulation spawn
/// it like any other. Ends when told to; whatever was answered is durable by then. Errors are those
/// of runtime::store; a journal gives at most `largest_journal_page` entries at a time.
durable_store_actor::behavior_type durable_store(
    durable_store_actor::stateful_pointer<durable_store_state> self,
    std::shared_ptr<runtime::store> store);

/// A page of a journal that still fits a message and a person's patience.
inline constexpr uint32_t largest_journal_page = 1'000;

}  // namespace postern::actors
