#include "actors/connector_agent.hpp"

#include "actors/actor_support.hpp"
#include "actors/connector_configuration.hpp"
#include "actors/full_jitter.hpp"
#include "config/endpoint.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace postern::actors {

using runtime::error_category;

namespace {

bool is_legal(slot_phase from, slot_phase to) noexcept {
  switch (from) {
    case slot_phase::idle:
      return to == slot_phase::dialling || to == slot_phase::backing_off;
    case slot_phase::dialling:
      return to == slot_phase::open || to == slot_phase::backing_off || to == slot_phase::idle;
    case slot_phase::open:
      return to == slot_phase::draining || to == slot_phase::backing_off || to == slot_phase::idle;
    case slot_phase::backing_off:
      return to == slot_phase::dialling || to == slot_phase::idle;
    case slot_phase::draining:
      return to == slot_phase::idle;
  }
  return false;
}

}  // namespace

actor_time connector_agent_state::now() const {
  return self_->clock().now();
}

// -- tunnels --------------------------------------------------------------------------------------

void connector_agent_state::move(uint32_t slot, slot_phase next) {
  auto& s = slots_[slot];
  runtime::ensure(is_legal(s.phase, next), "a slot makes only legal transitions");
  s.phase = next;
  ++s.epoch;
}

bool connector_agent_state::wanted(uint32_t slot) const {
  return !draining_ && slot < tunnels_;
}

void connector_agent_state::dial(uint32_t slot) {
  move(slot, slot_phase::dialling);
  self_->send(deps_.io, dial_atom_v, slot);
}

void connector_agent_state::back_off(uint32_t slot) {
  move(slot, slot_phase::backing_off);
  const auto& s = slots_[slot];
  const auto wait = full_jitter(*deps_.random, dial_back_off, dial_back_off_cap, s.failures);
  self_->delayed_send(self_, wait, dial_atom_v, slot, s.epoch);
}

void connector_agent_state::adjust_slots() {
  if (slots_.size() < tunnels_) slots_.resize(tunnels_);
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    const auto phase = slots_[i].phase;
    if (wanted(i)) {
      if (phase == slot_phase::idle) dial(i);
    } else if (phase == slot_phase::open) {
      move(i, slot_phase::draining);
      self_->send(deps_.io, drain_atom_v, i);
    } else if (phase == slot_phase::backing_off) {
      move(i, slot_phase::idle);
    }
    // One that dials is drained once it is open; one that drains is dialled again once it is idle.
  }
}

void connector_agent_state::drain_summoned() {
  for (const auto slot : summoned_.up())
    self_->send(deps_.io, drain_atom_v, slot);
}

void connector_agent_state::on_summons(const std::string& address) {
  if (!config::parse_endpoint(address))
    return spdlog::warn("a node asks for tunnels to no address: {}", address);
  if (rests()) return;
  for (auto& [slot, node] : summoned_.on_summons(address, tunnels_)) {
    spdlog::info("tunnel {} is asked for by the node at {}", slot, node);
    self_->send(deps_.io, dial_atom_v, slot, std::move(node));
  }
}

void connector_agent_state::on_opened(uint32_t slot) {
  if (summoned_nodes::owns(slot)) {
    summoned_.on_opened(slot);
    if (rests()) self_->send(deps_.io, drain_atom_v, slot);
    return;
  }
  if (slot >= slots_.size() || slots_[slot].phase != slot_phase::dialling) return;
  move(slot, slot_phase::open);
  slots_[slot].opened = now();
  spdlog::info("tunnel {} is up", slot);
  adjust_slots();
}

void connector_agent_state::on_closed(uint32_t slot, const runtime::error& why) {
  if (summoned_nodes::owns(slot)) {
    spdlog::info("tunnel {} has ended: {}", slot, to_string(why));
    return summoned_.on_closed(slot);
  }
  if (slot >= slots_.size()) return;
  auto& s = slots_[slot];
  if (s.phase == slot_phase::idle || s.phase == slot_phase::backing_off) return;
  const auto was = s.phase;
  if (was == slot_phase::open && now() - s.opened >= stable_after) s.failures = 0;
  if (was != slot_phase::draining) {
    ++s.failures;
    spdlog::warn("tunnel {} {}: {}", slot,
                 was == slot_phase::open ? "has ended" : "could not be dialled", to_string(why));
  }
  if (was != slot_phase::draining && wanted(slot)) return back_off(slot);
  move(slot, slot_phase::idle);
  adjust_slots();
}

void connector_agent_state::on_dial_due(uint32_t slot, uint64_t epoch) {
  if (slot >= slots_.size() || slots_[slot].epoch != epoch) return;
  if (slots_[slot].phase == slot_phase::backing_off) dial(slot);
}

// -- configuration --------------------------------------------------------------------------------

void connector_agent_state::start() {
  if (std::exchange(started_, true) || draining_) return;
  pull();
}

void connector_agent_state::pull() {
  pulling_ = true;
  pulled_at_ = now();
  self_->send(deps_.io, pull_atom_v, version_, ready_ ? pull_wait : milliseconds::zero());
}

void connector_agent_state::schedule_pull(milliseconds wait) {
  if (draining_) return;
  self_->delayed_send(self_, wait, pull_atom_v, ++pull_epoch_);
}

void connector_agent_state::on_pull_due(uint64_t epoch) {
  if (epoch == pull_epoch_ && !pulling_ && !draining_) pull();
}

void connector_agent_state::on_pulled(const pull_outcome& outcome) {
  if (!std::exchange(pulling_, false)) return;
  if (draining_) return;
  if (outcome.failure.category != error_category::none) {
    ++pull_failures_;
    spdlog::warn("the configuration could not be pulled: {}", to_string(outcome.failure));
    return schedule_pull(
        full_jitter(*deps_.random, pull_back_off, pull_back_off_cap, pull_failures_));
  }
  pull_failures_ = 0;
  if (outcome.configuration) take_over(*outcome.configuration);
  renew_if_due();
  const auto since = std::chrono::duration_cast<milliseconds>(now() - pulled_at_);
  schedule_pull(std::max(pull_spacing - since, milliseconds::zero()));
}

void connector_agent_state::take_over(const connector_configuration& fresh) {
  renewal_wanted_ = fresh.renew_certificate;
  if (ready_ && fresh.version == version_) return;
  spdlog::info("configuration {}: group {}, {} applications, {} tunnels", fresh.version,
               fresh.group, fresh.applications.size(), fresh.tunnels);
  version_ = fresh.version;
  if (fresh.drained) spdlog::info("drained by an administrator: no tunnels until resumed");
  tunnels_ = fresh.drained ? 0 : std::min(fresh.tunnels, largest_tunnel_count);
  ready_ = true;
  self_->send(deps_.io, update_atom_v, fresh);
  adjust_slots();
  if (rests()) drain_summoned();
}

// -- renewal --------------------------------------------------------------------------------------

void connector_agent_state::renew_if_due() {
  // No timer of its own: a pull ends at least every pull_wait and asks here.
  if (!renewal_wanted_ || renewing_ || now() < renew_not_before_) return;
  renewing_ = true;
  self_->send(deps_.io, renew_atom_v);
}

void connector_agent_state::on_renewed(const runtime::error& failure) {
  if (!std::exchange(renewing_, false)) return;
  if (failure.category == error_category::none) {
    spdlog::info("the certificate was renewed");
    renew_failures_ = 0;
    renewal_wanted_ = false;
    renew_not_before_ = now() + renew_echo;
    return;
  }
  ++renew_failures_;
  spdlog::warn("the certificate could not be renewed: {}", to_string(failure));
  renew_not_before_ =
      now() + full_jitter(*deps_.random, renew_back_off, renew_back_off_cap, renew_failures_);
}

// -- leaving --------------------------------------------------------------------------------------

void connector_agent_state::drain() {
  if (std::exchange(draining_, true)) return;
  ++pull_epoch_;
  adjust_slots();
  drain_summoned();
}

agent_status connector_agent_state::status() const {
  const auto open = std::count_if(slots_.begin(), slots_.end(), [](const slot_record& s) {
    return s.phase == slot_phase::open || s.phase == slot_phase::draining;
  });
  return {ready_ && !draining_, static_cast<uint32_t>(open) + summoned_.open(), version_,
          draining_};
}

connector_agent_actor::behavior_type connector_agent(connector_agent_state::pointer self,
                                                     connector_agent_dependencies deps) {
  report_crashes(self);
  self->monitor(deps.io);
  self->set_down_handler([self](caf::down_msg& down) { self->quit(std::move(down.reason)); });
  self->state.begin(std::move(deps));
  return {
      [self](start_atom) { self->state.start(); },
      [self](pulled_atom, const pull_outcome& outcome) { self->state.on_pulled(outcome); },
      [self](opened_atom, uint32_t slot) { self->state.on_opened(slot); },
      [self](closed_atom, uint32_t slot, const runtime::error& why) {
        self->state.on_closed(slot, why);
      },
      [self](summon_atom, const std::string& address) { self->state.on_summons(address); },
      [self](renewed_atom, const runtime::error& failure) { self->state.on_renewed(failure); },
      [self](drain_atom) { self->state.drain(); },
      [self](lookup_atom) { return self->state.status(); },
      [self](dial_atom, uint32_t slot, uint64_t epoch) { self->state.on_dial_due(slot, epoch); },
      [self](pull_atom, uint64_t epoch) { self->state.on_pull_due(epoch); },
  };
}

}  // namespace postern::actors
