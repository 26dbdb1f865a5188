#include "actors/audit_log.hpp"

#include "actors/actor_support.hpp"
#include "actors/timeouts.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace postern::actors {

namespace {

using pointer = audit_log_actor::stateful_pointer<audit_log_state>;
using entries = std::vector<runtime::journal_entry>;
using answer_promise = caf::typed_response_promise<std::vector<audit_event>>;

void read(pointer self, const audit_query& query, answer_promise answer) {
  self->request(self->state.store, store_timeout, list_atom_v, std::string{audit_journal},
                query.before, query.limit)
      .then(
          [answer](const entries& found) mutable {
            std::vector<audit_event> events;
            events.reserve(found.size());
            for (const auto& entry : found)
              events.push_back(decode_audit_event(entry));
            answer.deliver(std::move(events));
          },
          [answer](caf::error& e) mutable { answer.deliver(std::move(e)); });
}

void write(pointer self);

void end_batch(pointer self, bool durable) {
  auto& state = self->state;
  state.buffer.end_batch(durable);
  if (state.leaving) {
    if (durable && state.buffer.size() > 0) return write(self);
    if (state.buffer.size() > 0)
      spdlog::error("audit log ends with {} events unwritten", state.buffer.size());
    for (auto& asked : state.waiting)
      asked.answer.deliver(*state.leaving);
    state.waiting.clear();
    return self->quit(*state.leaving);
  }
  if (durable && (state.buffer.full_batch() || !state.waiting.empty())) write(self);
  // The store serves one sender in order: these see what has just been sent.
  for (auto& asked : std::exchange(state.waiting, {}))
    read(self, asked.query, std::move(asked.answer));
}

void write(pointer self) {
  auto batch = self->state.buffer.begin_batch(self->state.clock->now());
  if (batch.empty()) return;
  self->request(self->state.store, store_timeout, append_atom_v, std::move(batch))
      .then([self] { end_batch(self, true); },
            [self](const caf::error& e) {
              spdlog::warn("audit log keeps {} events: {}", self->state.buffer.size(),
                           runtime::to_string(runtime::from_caf(e)));
              end_batch(self, false);
            });
}

caf::result<std::vector<audit_event>> list(pointer self, const audit_query& query) {
  auto& state = self->state;
  if (state.waiting.size() >= audit_waiting_limit)
    return runtime::to_caf({runtime::error_category::overloaded, "audit_busy", "service", {}});
  auto answer = self->make_response_promise<std::vector<audit_event>>();
  if (state.buffer.writing()) {
    state.waiting.push_back({query, answer});
  } else {
    write(self);
    read(self, query, answer);
  }
  return answer;
}

void leave(pointer self, caf::error reason) {
  auto& state = self->state;
  state.leaving = std::move(reason);
  if (state.buffer.writing()) return;
  write(self);
  if (!state.buffer.writing()) end_batch(self, true);
}

}  // namespace

audit_log_actor::behavior_type audit_log(pointer self, durable_store_actor store,
                                         const runtime::wall_clock* clock) {
  report_crashes(self);
  self->state.store = std::move(store);
  self->state.clock = clock;
  self->set_exit_handler([self](caf::exit_msg& told) { leave(self, std::move(told.reason)); });
  self->delayed_send(self, audit_interval, tick_atom_v);
  return {
      [self](record_atom, audit_event& event) {
        self->state.buffer.record(std::move(event), self->state.clock->now());
        if (self->state.buffer.full_batch()) write(self);
      },
      [self](list_atom, const audit_query& query) { return list(self, query); },
      [self](tick_atom) {
        self->delayed_send(self, audit_interval, tick_atom_v);
        write(self);
      },
  };
}

}  // namespace postern::actors
