#include "actors/session_registry.hpp"

#include "actors/access_rules.hpp"
#include "actors/actor_support.hpp"
#include "actors/store_news.hpp"
#include "actors/timeouts.hpp"
#include "actors/user_session.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace postern::actors {

session_registry_state::~session_registry_state() {
  for (const auto& entry : live.entries())
    caf::anon_send_exit(entry.actor, caf::exit_reason::user_shutdown);
}

namespace {

runtime::error revocations_unknown() {
  return {runtime::error_category::unavailable, "store_unavailable", "session",
          "revocations are not known yet"};
}

}  // namespace

runtime::result<void> session_registry_state::admit(const access_session& session,
                                                    timestamp now) const {
  using runtime::error_category;
  if (!loaded) return revocations_unknown();
  if (revoked.covers(session))
    return runtime::error{error_category::unauthenticated, "session_revoked", "session", {}};
  if (is_expired(session, now))
    return runtime::error{error_category::unauthenticated, "session_expired", "session", {}};
  return {};
}

runtime::result<void> session_registry_state::check(const verified_token& token) const {
  if (!loaded) return revocations_unknown();
  if (!revoked.covers(token.user, token.issued_at)) return {};
  return runtime::error{runtime::error_category::unauthenticated, "token_revoked", "token",
                        "the user was revoked after it was issued"};
}

namespace {

using pointer = session_registry_actor::stateful_pointer<session_registry_state>;
using records = std::vector<runtime::stored_record>;

void fail_load(pointer self, const caf::error& e) {
  spdlog::warn("revocations cannot be read: {}", runtime::to_string(runtime::from_caf(e)));
  self->state.loading = false;
  self->delayed_send(self, retry_pause, tick_atom_v);
}

/// Ends the live sessions that are revoked by now. They stay to tell their holders so.
uint64_t end_revoked(pointer self) {
  auto& state = self->state;
  const auto ended =
      state.live.remove_if([&](const auto& entry) { return state.revoked.covers(entry.session); });
  for (const auto& actor : ended) {
    self->demonitor(actor.address());
    self->send(actor, revoke_atom_v, std::string{"revoked"});
  }
  return ended.size();
}

void load(pointer self) {
  auto failed = [self](const caf::error& e) { fail_load(self, e); };
  self->request(self->state.store, store_timeout, load_atom_v, std::string{revoked_session_kind})
      .then(
          [=](const records& sessions) {
            self->request(self->state.store, store_timeout, load_atom_v,
                          std::string{revoked_user_kind})
                .then(
                    [=](const records& users) {
                      self->state.revoked.load(sessions, users);
                      self->state.loading = false;
                      self->state.loaded = true;
                      self->delayed_send(self, revocation_sweep_interval, tick_atom_v);
                    },
                    failed);
          },
          failed);
}

void end(pointer self, const std::vector<user_session_actor>& actors) {
  for (const auto& actor : actors) {
    self->demonitor(actor.address());
    self->send_exit(actor, caf::exit_reason::user_shutdown);
  }
}

caf::result<user_session_actor> wake(pointer self, const access_session& session) {
  auto& state = self->state;
  if (state.loading) return caf::skip();
  const auto now = state.clock->now();
  if (auto admitted = state.admit(session, now); !admitted)
    return runtime::to_caf(admitted.error());
  if (auto known = state.live.find(session, now)) return known;
  auto actor = self->spawn<caf::monitored>(user_session, session, state.clock);
  end(self, state.live.insert({session, actor, now}, state.limit));
  return actor;
}

caf::result<verified_token> check(pointer self, verified_token& token) {
  if (self->state.loading) return caf::skip();
  if (auto holds = self->state.check(token); !holds) return runtime::to_caf(holds.error());
  return std::move(token);
}

void record(pointer self, const session_selector& selected, const std::string& outcome) {
  const bool one = !selected.id.empty();
  self->send(self->state.audit, record_atom_v,
             audit_event{.category = "revocation",
                         .action = one ? "session_revoked" : "user_revoked",
                         .target = one ? selected.id : selected.user,
                         .outcome = outcome});
}

caf::result<uint64_t> revoke(pointer self, const session_selector& selected) {
  auto writes = self->state.revoked.revoke(selected, self->state.clock->now());
  if (writes.empty())
    return runtime::to_caf({runtime::error_category::invalid_input, "selector_empty", "session",
                            "neither a session nor a user"});
  const auto ended = end_revoked(self);
  auto answer = self->make_response_promise<uint64_t>();
  self->request(self->state.store, store_timeout, commit_atom_v, std::move(writes))
      .then(
          [=](uint64_t revision) mutable {
            self->state.own_revision = revision;
            record(self, selected, "success");
            answer.deliver(ended);
          },
          [=](caf::error& e) mutable {
            record(self, selected, runtime::from_caf(e).cause);
            answer.deliver(std::move(e));
          });
  return answer;
}

std::vector<session_status> list(pointer self) {
  std::vector<session_status> out;
  out.reserve(self->state.live.size());
  for (const auto& entry : self->state.live.entries())
    out.push_back({entry.session, entry.last_used});
  return out;
}

void sweep(pointer self) {
  self->delayed_send(self, revocation_sweep_interval, tick_atom_v);
  const auto now = self->state.clock->now();
  auto erasures = self->state.revoked.expired(now);
  if (erasures.empty()) return;
  self->request(self->state.store, store_timeout, commit_atom_v, std::move(erasures))
      .then(
          [=](uint64_t revision) {
            self->state.own_revision = revision;
            self->state.revoked.forget_expired(now);
          },
          [](const caf::error& e) {
            spdlog::warn("old revocations stay until the next try: {}",
                         runtime::to_string(runtime::from_caf(e)));
          });
}

// -- what other nodes revoke ----------------------------------------------------------------------

/// What a write of ours has to say is lost neither to a store that is down nor to another node that
/// wrote first: what there is then is read again.
void commit_heard(pointer self, std::vector<runtime::store_change> writes) {
  for (const auto& write : writes)
    spdlog::info("the revocation of {} counts up to this node's time, {}", write.key, write.value);
  self->request(self->state.store, store_timeout, commit_atom_v, std::move(writes))
      .then([self](uint64_t revision) { self->state.own_revision = revision; },
            [self](const caf::error& e) {
              spdlog::warn("a revocation cannot be told to the other nodes: {}",
                           runtime::to_string(runtime::from_caf(e)));
              self->delayed_send(self, retry_pause, update_atom_v,
                                 std::vector<runtime::store_news>{{revoked_user_kind, {}, 0}});
            });
}

void take_over(pointer self, const std::string& kind, const records& found) {
  auto& state = self->state;
  std::vector<runtime::store_change> writes;
  if (kind == revoked_session_kind)
    state.revoked.load(found, {});
  else if (!state.loaded)  // nothing tells what is new in it
    state.revoked.load({}, found);
  else
    writes = state.revoked.hear(found, state.clock->now());
  end_revoked(self);
  if (!writes.empty()) commit_heard(self, std::move(writes));
}

/// Reads what the news speak of; tries again until that works, because a revocation must not be
/// missed.
void read_news(pointer self, std::string kind, std::string key) {
  auto failed = [=](const caf::error& e) {
    spdlog::warn("revocations of other nodes cannot be read: {}",
                 runtime::to_string(runtime::from_caf(e)));
    self->delayed_send(self, retry_pause, update_atom_v,
                       std::vector<runtime::store_news>{{kind, key, 0}});
  };
  auto found = [=](const records& found) { take_over(self, kind, found); };
  if (key.empty())
    self->request(self->state.store, store_timeout, load_atom_v, kind).then(found, failed);
  else
    self->request(self->state.store, store_timeout, find_atom_v, kind, key).then(found, failed);
}

void on_news(pointer self, const std::vector<runtime::store_news>& news) {
  for (const auto& one : news) {
    if (one.revision != 0 && one.revision == self->state.own_revision) continue;
    for (const auto* kind : {revoked_session_kind, revoked_user_kind})
      if (concerns(one, kind)) read_news(self, kind, one.key);
  }
}

}  // namespace

session_registry_actor::behavior_type session_registry(pointer self,
                                                       session_registry_dependencies deps) {
  report_crashes(self);
  self->state.store = std::move(deps.store);
  self->state.audit = std::move(deps.audit);
  self->state.clock = deps.clock;
  self->state.limit = deps.live_limit;
  self->state.revoked = revocations{deps.session_lifetime};
  self->set_down_handler(
      [self](const caf::down_msg& down) { self->state.live.remove(down.source); });
  follow_store<session_registry_actor>(self, self->state.store);
  load(self);
  return {
      [self](update_atom, const std::vector<runtime::store_news>& news) { on_news(self, news); },
      [self](wake_atom, const access_session& session) { return wake(self, session); },
      [self](verify_atom, verified_token& token) { return check(self, token); },
      [self](revoke_atom, const session_selector& selected) { return revoke(self, selected); },
      [self](list_atom) { return list(self); },
      // The one timer: loads until that has worked, then sweeps.
      [self](tick_atom) { self->state.loaded ? sweep(self) : load(self); },
  };
}

}  // namespace postern::actors
