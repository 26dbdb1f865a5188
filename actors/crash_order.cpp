#include "actors/crash_order.hpp"

#include "actors/group_queue.hpp"
#include "actors/supervision.hpp"
#include "runtime/caf_error.hpp"

#include <caf/actor_cast.hpp>
#include <caf/make_message.hpp>
#include <caf/system_messages.hpp>

#include <optional>

namespace postern::actors {

namespace {

template <class Handle>
uint64_t crash(const Handle& target) {
  if (!target) return 0;
  auto reason =
      runtime::to_caf({runtime::error_category::internal, "actor_crashed", "service", "on demand"});
  caf::actor_cast<caf::strong_actor_ptr>(target)->enqueue(
      nullptr, caf::make_message_id(),
      caf::make_message(caf::exit_msg{target.address(), std::move(reason)}), nullptr);
  return 1;
}

uint64_t crash(const node_handles& handles, child which) {
  switch (which) {
    case child::store:
      return crash(handles.store);
    case child::audit:
      return crash(handles.audit);
    case child::configuration:
      return crash(handles.configuration);
    case child::tokens:
      return crash(handles.tokens);
    case child::sessions:
      return crash(handles.sessions);
    case child::connectors:
      return crash(handles.connectors);
    case child::authority:
      return crash(handles.authority);
    case child::cluster:
      return crash(handles.cluster);
  }
  return 0;
}

std::optional<child> find_child(std::string_view name) {
  for (size_t i = 0; i < child_count; ++i)
    if (const auto c = static_cast<child>(i); name == to_string(c)) return c;
  return {};
}

runtime::error unknown(std::string_view name) {
  return {runtime::error_category::not_found, "actor_unknown", "administration",
          "there is no \"" + std::string{name} + "\""};
}

}  // namespace

runtime::result<void> check_crash_target(std::string_view name) {
  if (name == group_queue_state::name || find_child(name)) return {};
  return unknown(name);
}

runtime::result<uint64_t> order_crash(const node_handles& handles, const routing& routing,
                                      std::string_view name) {
  if (name == group_queue_state::name) {
    uint64_t told = 0;
    for (const auto& [group, queue] : routing.queues)
      told += crash(queue);
    return told;
  }
  const auto known = find_child(name);
  if (!known) return unknown(name);
  return crash(handles, *known);
}

}  // namespace postern::actors
