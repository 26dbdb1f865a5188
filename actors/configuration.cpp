#include "actors/configuration.hpp"

#include "actors/actor_support.hpp"
#include "actors/published_change.hpp"
#include "actors/store_news.hpp"
#include "actors/timeouts.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace postern::actors {

namespace {

using pointer = configuration_self_actor::stateful_pointer<configuration_actor_state>;
using records = std::vector<runtime::stored_record>;

constexpr const char* meta_kind = "meta";
constexpr const char* version_key = "published_version";

bool is_legal(configuration_phase from, configuration_phase to) noexcept {
  switch (from) {
    case configuration_phase::loading:
      return to == configuration_phase::ready || to == configuration_phase::stale;
    case configuration_phase::ready:
      return to == configuration_phase::committing || to == configuration_phase::loading;
    case configuration_phase::committing:
      return to == configuration_phase::ready || to == configuration_phase::loading;
    case configuration_phase::stale:
      return to == configuration_phase::loading;
  }
  return false;
}

}  // namespace

void configuration_state::move_to(configuration_phase next) noexcept {
  runtime::ensure(is_legal(phase_, next), "configuration: a legal phase");
  phase_ = next;
}

void configuration_state::begin_load() noexcept {
  move_to(configuration_phase::loading);
  outdated_ = false;
}

bool configuration_state::is_outdated_by(
    const std::vector<runtime::store_news>& news) const noexcept {
  // Every commit of a change replaces the version: it alone tells.
  return std::ranges::any_of(news, [this](const auto& one) {
    return concerns(one, meta_kind) && (one.revision == 0 || one.revision > meta_revision_);
  });
}

bool configuration_state::begin_reload() noexcept {
  if (!outdated_ || phase_ != configuration_phase::ready) return false;
  begin_load();
  return true;
}

void configuration_state::take_meta(const records& meta) {
  stored_version_ = 1;  // 0 means "none" to those who compare versions
  meta_revision_ = 0;
  for (const auto& record : meta) {
    if (record.key != version_key) continue;
    meta_revision_ = record.revision;
    std::from_chars(record.value.data(), record.value.data() + record.value.size(),
                    stored_version_);
  }
}

bool configuration_state::end_load(const records& groups, const records& applications) {
  move_to(configuration_phase::ready);
  if (snapshot_ && snapshot_->version == stored_version_) return false;
  snapshot_ = std::make_shared<const config::published>(
      read_published(groups, applications, stored_version_));
  return true;
}

runtime::result<configuration_state::step> configuration_state::begin_change(
    const change_request& request) {
  if (phase_ != configuration_phase::ready)
    return runtime::error{runtime::error_category::unavailable, "store_unavailable",
                          "configuration", "changes wait for the store"};
  auto plan = plan_change(*snapshot_, request, service_hosts_);
  if (!plan) return plan.error();
  step out{.report = {.changes = std::move(plan->changes), .version = snapshot_->version}};
  if (request.dry_run || plan->writes.empty()) return out;
  move_to(configuration_phase::committing);
  out.report.version = plan->next.version;
  out.writes = std::move(plan->writes);
  out.writes.push_back({.kind = meta_kind,
                        .key = version_key,
                        .value = std::to_string(plan->next.version),
                        .expected_revision = meta_revision_});
  out.next = std::make_shared<const config::published>(std::move(plan->next));
  return out;
}

void configuration_state::end_change(published_ptr next, uint64_t revision) {
  move_to(configuration_phase::ready);
  snapshot_ = std::move(next);
  meta_revision_ = revision;
}

namespace {

void tell_subscribers(pointer self) {
  for (const auto& subscriber : self->state.subscribers)
    self->send(subscriber, update_atom_v, self->state.snapshot());
}

void fail_load(pointer self, const caf::error& e) {
  spdlog::warn("configuration cannot be read: {}", runtime::to_string(runtime::from_caf(e)));
  self->state.fail_load();
  self->delayed_send(self, retry_pause, tick_atom_v);
}

template <class Next>
void load_kind(pointer self, const char* kind, Next next) {
  self->request(self->state.store, store_timeout, load_atom_v, std::string{kind})
      .then(std::move(next), [self](const caf::error& e) { fail_load(self, e); });
}

void load(pointer self) {
  load_kind(self, meta_kind, [self](const records& meta) {
    self->state.take_meta(meta);
    load_kind(self, "group", [self](const records& groups) {
      load_kind(self, "application", [self, groups](const records& applications) {
        if (self->state.end_load(groups, applications)) tell_subscribers(self);
        if (self->state.begin_reload()) load(self);
      });
    });
  });
}

void on_news(pointer self, const std::vector<runtime::store_news>& news) {
  if (self->state.is_outdated_by(news)) self->state.mark_outdated();
  if (self->state.begin_reload()) load(self);
}

/// "application_updated" and its like.
std::string action_name(const resource_change& change) {
  using action = resource_change::action;
  const char* done = change.what == action::create   ? "_created"
                     : change.what == action::update ? "_updated"
                                                     : "_erased";
  return change.kind + done;
}

void record(pointer self, const change_report& report, const std::string& by,
            const std::string& outcome) {
  for (const auto& change : report.changes) {
    std::string fields;
    for (const auto& [field, values] : change.fields)
      fields += (fields.empty() ? "" : ", ") + field;
    self->send(self->state.audit, record_atom_v,
               audit_event{.category = "change",
                           .action = action_name(change),
                           .actor = by,
                           .target = change.name,
                           .outcome = outcome,
                           .detail = std::move(fields)});
  }
}

using step_ptr = std::shared_ptr<configuration_state::step>;

caf::result<change_report> commit(pointer self, const step_ptr& step, const std::string& by) {
  auto answer = self->make_response_promise<change_report>();
  self->request(self->state.store, store_timeout, commit_atom_v, std::move(step->writes))
      .then(
          [=](uint64_t revision) mutable {
            self->state.end_change(step->next, revision);
            record(self, step->report, by, "success");
            answer.deliver(std::move(step->report));
            tell_subscribers(self);
            if (self->state.begin_reload()) load(self);
          },
          [=](caf::error& e) mutable {
            record(self, step->report, by, runtime::from_caf(e).cause);
            self->state.fail_change();
            load(self);
            answer.deliver(std::move(e));
          });
  return answer;
}

caf::result<change_report> apply(pointer self, const change_request& request) {
  const auto now = self->state.phase();
  if (now == configuration_phase::committing || now == configuration_phase::loading)
    return caf::skip();
  auto step = self->state.begin_change(request);
  if (!step) return runtime::to_caf(step.error());
  if (step->writes.empty()) return std::move(step->report);
  return commit(self, std::make_shared<configuration_state::step>(std::move(*step)), request.by);
}

caf::result<published_ptr> lookup(pointer self) {
  // Whoever starts with this actor waits for it, here in the mailbox or until its own timeout.
  if (!self->state.snapshot()) return caf::skip();
  return self->state.snapshot();
}

caf::result<published_ptr> subscribe(pointer self, const configuration_subscriber_actor& who) {
  if (!self->state.snapshot()) return caf::skip();
  auto& subscribers = self->state.subscribers;
  if (std::ranges::find(subscribers, who) == subscribers.end()) {
    self->monitor(who);
    subscribers.push_back(who);
  }
  return self->state.snapshot();
}

}  // namespace

configuration_self_actor::behavior_type configuration(pointer self,
                                                      configuration_dependencies deps) {
  report_crashes(self);
  self->state.store = std::move(deps.store);
  self->state.audit = std::move(deps.audit);
  self->state.set_service_hosts(std::move(deps.service_hosts));
  self->set_down_handler([self](const caf::down_msg& down) {
    std::erase_if(self->state.subscribers,
                  [&](const auto& subscriber) { return subscriber.address() == down.source; });
  });
  follow_store<configuration_self_actor>(self, self->state.store);
  self->state.begin_load();
  load(self);
  return {
      [self](lookup_atom) { return lookup(self); },
      [self](apply_atom, const change_request& request) { return apply(self, request); },
      [self](subscribe_atom, const configuration_subscriber_actor& who) {
        return subscribe(self, who);
      },
      [self](update_atom, const std::vector<runtime::store_news>& news) { on_news(self, news); },
      [self](tick_atom) {
        if (self->state.phase() != configuration_phase::stale) return;
        self->state.begin_load();
        load(self);
      },
  };
}

}  // namespace postern::actors
