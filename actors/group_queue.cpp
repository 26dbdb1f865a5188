#include "actors/group_queue.hpp"

#include "actors/actor_support.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <utility>

namespace postern::actors {

namespace {

using runtime::error;
using runtime::error_category;

error refusal(error_category category, const char* cause, const std::string& group) {
  return {category, cause, "connector_group", group};
}

}  // namespace

group_queue_state::~group_queue_state() {
  const auto ended = runtime::to_caf(refusal(error_category::unavailable, "queue_ended", group));
  for (auto& w : line.clear())
    w.promise.deliver(ended);
}

error group_queue_state::enter(waiting_exchange&& w, actor_time now) {
  if (w.ticket.patience <= milliseconds::zero()) return out_of_patience();
  if (board.serves() &&
      rate.wait_behind(line.ahead_of(w.ticket.application), now) > w.ticket.patience)
    return refusal(error_category::overloaded, "queue_overload", group);
  const auto look = std::min(w.deadline, now + call_again);
  if (!line.enter(std::move(w))) return refusal(error_category::overloaded, "queue_full", group);
  if (!due || look < *due) {
    due = look;
    due_changed = true;
  }
  return {error_category::none, {}, {}, {}};
}

error group_queue_state::out_of_patience() const {
  return board.serves() ? refusal(error_category::overloaded, "queue_timeout", group)
                        : refusal(error_category::timeout, "no_connector", group);
}

void group_queue_state::serve(actor_time now) {
  while (!line.empty() && board.has_room()) {
    auto next = line.serve();
    if (next->deadline <= now) {
      next->promise.deliver(runtime::to_caf(out_of_patience()));
      continue;
    }
    next->promise.deliver(*board.take(next->ticket.shard, next->ticket.avoid, now));
    rate.on_served(now);
  }
  rest();
}

void group_queue_state::rest() noexcept {
  if (line.empty() || !board.serves()) rate.pause();
}

void group_queue_state::expire(actor_time now) {
  const auto over = runtime::to_caf(out_of_patience());
  for (auto& w : line.expire(now))
    w.promise.deliver(over);
  rest();
  due = line.earliest_deadline();
  due_changed = due.has_value();
  if (due) due = std::clamp(*due, now + expiry_grain, now + call_again);
}

bool group_queue_state::wants_tunnel(actor_time now) {
  if (!summoner || line.empty() || board.serves()) return false;
  if (summoned && now - *summoned < summon_interval) return false;
  summoned = now;
  return true;
}

std::optional<caf::timespan> group_queue_state::arm(actor_time now) {
  if (!due_changed) return std::nullopt;
  due_changed = false;
  ++epoch;
  return std::max<caf::timespan>(*due - now, caf::timespan::zero());
}

namespace {

using queue_pointer = group_queue_actor::stateful_pointer<group_queue_state>;

void start_timer(queue_pointer self, actor_time now) {
  if (const auto wait = self->state.arm(now))
    self->delayed_send(self, *wait, expire_atom_v, self->state.epoch);
}

/// Whoever waits must not depend on the next one who comes.
void call_over(queue_pointer self, actor_time now) {
  auto& state = self->state;
  if (state.wants_tunnel(now)) self->send(state.summoner, summon_atom_v, state.group);
}

caf::result<dispatch> submit(queue_pointer self, exchange_ticket& ticket) {
  auto& state = self->state;
  const auto now = self->clock().now();
  const auto deadline = (ticket.asked_at == actor_time{} ? now : ticket.asked_at) + ticket.patience;
  if (deadline < now) return runtime::to_caf(state.out_of_patience());
  if (auto place = state.board.take(ticket.shard, ticket.avoid, now)) return std::move(*place);
  auto promise = self->make_response_promise<dispatch>();
  if (auto e = state.enter({std::move(ticket), deadline, promise}, now);
      e.category != error_category::none)
    promise.deliver(runtime::to_caf(e));
  start_timer(self, now);
  call_over(self, now);
  return promise;
}

}  // namespace

group_queue_actor::behavior_type group_queue(queue_pointer self, std::string group) {
  report_crashes(self);
  self->state.group = std::move(group);
  return {
      [self](submit_atom, exchange_ticket& ticket) { return submit(self, ticket); },
      [self](cancel_atom, uint64_t ticket) {
        // Whoever asked has gone, but a promise that nobody delivers would keep this actor alive.
        if (auto w = self->state.line.leave(ticket))
          w->promise.deliver(runtime::to_caf(
              refusal(error_category::unavailable, "exchange_cancelled", self->state.group)));
        self->state.rest();
      },
      [self](release_atom, tunnel_id tunnel, exchange_outcome how, milliseconds latency) {
        const auto now = self->clock().now();
        self->state.board.release(tunnel, how, latency, now);
        self->state.serve(now);
      },
      [self](attach_atom, const tunnel_info& tunnel) {
        self->state.board.attach(tunnel);
        self->state.summoned.reset();
        self->state.serve(self->clock().now());
      },
      [self](detach_atom, tunnel_id tunnel) {
        self->state.board.detach(tunnel);
        self->state.rest();
        call_over(self, self->clock().now());
      },
      [self](silent_atom, tunnel_id tunnel, bool silent) {
        const auto now = self->clock().now();
        self->state.board.set_silent(tunnel, silent);
        self->state.serve(now);
        call_over(self, now);
      },
      [self](lookup_atom) -> caf::result<uint32_t, uint32_t> {
        return {self->state.board.running(), static_cast<uint32_t>(self->state.line.size())};
      },
      [self](expire_atom, uint64_t epoch) {
        if (epoch != self->state.epoch) return;
        const auto now = self->clock().now();
        self->state.expire(now);
        start_timer(self, now);
        call_over(self, now);
      },
      [self](subscribe_atom, const summoner_actor& who) { self->state.summoner = who; },
      [self](list_atom) { return self->state.board.by_connector(); },
  };
}

}  // namespace postern::actors
