#include "actors/certificate_authority.hpp"

#include "actors/actor_support.hpp"
#include "actors/enrolment_steps.hpp"
#include "actors/timeouts.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace postern::actors {

using runtime::store_change;

runtime::result<std::optional<store_change>> certificate_authority_state::begin_key(
    const std::vector<runtime::stored_record>& records) {
  const auto& ring = *deps.wrapping_keys;
  const auto record =
      std::ranges::find(records, authority_record_key, &runtime::stored_record::key);
  if (record == records.end()) {
    auto made = authority_key::generate(deps.clock->now(), *deps.random);
    if (!made) return made.error();
    made_ = std::move(*made);
    return std::optional{store_change{.kind = authority_kind,
                                      .key = authority_record_key,
                                      .value = made_->wrap(ring),
                                      .expected_revision = 0}};
  }
  auto opened = authority_key::open(record->value, ring);
  if (!opened) return opened.error();
  key = std::move(*opened);
  if (!needs_rewrapping(record->value, ring)) return std::optional<store_change>{};
  return std::optional{store_change{.kind = authority_kind,
                                    .key = authority_record_key,
                                    .value = key->wrap(ring),
                                    .expected_revision = record->revision}};
}

void certificate_authority_state::end_key() {
  if (made_) key = std::exchange(made_, {});
}

namespace {

using pointer = certificate_authority_pointer;

void fail_start(pointer self, runtime::error why) {
  spdlog::error("the certificate authority cannot work: {}", runtime::to_string(why));
  self->state.starting = false;
  self->state.not_ready = std::move(why);
  self->delayed_send(self, retry_pause, tick_atom_v);
}

void start_with(pointer self, const std::vector<runtime::stored_record>& records) {
  auto write = self->state.begin_key(records);
  if (!write) return fail_start(self, write.error());
  if (self->state.key) self->state.starting = false;
  if (!*write) return;
  self->request(self->state.deps.store, store_timeout, commit_atom_v,
                std::vector<store_change>{std::move(**write)})
      .then(
          [self](uint64_t) {
            self->state.end_key();
            self->state.starting = false;
          },
          [self](const caf::error& e) {
            // A rewrapped key works all the same; a new one that may not be durable must not.
            if (!self->state.key) fail_start(self, runtime::from_caf(e));
          });
}

void start(pointer self) {
  self->request(self->state.deps.store, store_timeout, load_atom_v, std::string{authority_kind})
      .then(
          [self](const std::vector<runtime::stored_record>& records) { start_with(self, records); },
          [self](const caf::error& e) { fail_start(self, runtime::from_caf(e)); });
}

/// Calls `work` if there is a key, else says why not.
template <class Answer, class Work>
caf::result<Answer> with_key(pointer self, Work work) {
  if (self->state.starting) return caf::skip();
  if (!self->state.key) return runtime::to_caf(self->state.not_ready);
  return work();
}

}  // namespace

certificate_authority_self_actor::behavior_type certificate_authority(
    pointer self, certificate_authority_dependencies deps) {
  report_crashes(self);
  self->state.deps = std::move(deps);
  start(self);
  return {
      [self](sign_atom, enrolment_request& request) {
        return with_key<issued_certificate>(self, [&] { return sign(self, std::move(request)); });
      },
      [self](renew_atom, renewal_request& request) {
        return with_key<issued_certificate>(self, [&] { return renew(self, std::move(request)); });
      },
      [self](issue_atom, enrolment_token_request& request) {
        return with_key<enrolment_token>(self, [&] { return issue(self, std::move(request)); });
      },
      [self](lookup_atom) {
        return with_key<std::string>(
            self, [&]() -> caf::result<std::string> { return self->state.key->certificate_pem(); });
      },
      [self](tick_atom) {
        if (!self->state.key) start(self);
      },
  };
}

}  // namespace postern::actors
