#include "actors/enrolment_steps.hpp"

#include "actors/actor_support.hpp"
#include "actors/enrolment_rules.hpp"
#include "actors/enrolment_tokens.hpp"
#include "actors/timeouts.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace postern::actors {

namespace {

using pointer = certificate_authority_pointer;
using records = std::vector<runtime::stored_record>;
using runtime::error;
using runtime::error_category;

/// A token that somebody else uses at the same moment is read again so often. Each time somebody
/// has got on, so a fleet that enrols at once needs as many.
constexpr unsigned token_attempts = 2 * authority_limit;
constexpr size_t connector_id_bytes = 16;

/// One request on its way: the promise, and what the audit log is told at its end.
template <class Answer>
class task {
 public:
  task(pointer self, audit_event event)
      : self_(self), event_(std::move(event)), answer_(self->make_response_promise<Answer>()) {
    ++self->state.running;
  }

  caf::result<Answer> promise() const { return answer_; }
  audit_event& event() noexcept { return event_; }

  void succeed(Answer value) {
    finish("success");
    answer_.deliver(std::move(value));
  }

  void fail(const error& why) {
    if (event_.detail.empty()) event_.detail = why.detail;
    finish(why.cause);
    answer_.deliver(runtime::to_caf(why));
  }

  /// For a request to another actor: its failure is this task's.
  auto on_error(const std::shared_ptr<task>& self) {
    return [self](const caf::error& e) { self->fail(runtime::from_caf(e)); };
  }

 private:
  void finish(std::string outcome) {
    --self_->state.running;
    // As long as nobody has proved who asks it is not for the audit log: strangers could fill it.
    if (event_.actor.empty()) return;
    event_.outcome = std::move(outcome);
    self_->send(self_->state.deps.audit, record_atom_v, event_);
  }

  pointer self_;
  audit_event event_;
  caf::typed_response_promise<Answer> answer_;
};

error busy() {
  return enrolment_error(error_category::overloaded, "authority_busy", {});
}

bool is_busy(pointer self) {
  return self->state.running >= authority_limit;
}

/// Goes on if the group is published, with `next`.
template <class Task, class Next>
void check_group(pointer self, const Task& running, const std::string& group, const Next& next) {
  self->request(self->state.deps.configuration, local_timeout, lookup_atom_v)
      .then(
          [=](const published_ptr& published) {
            if (published->find_group(group) == nullptr)
              return running->fail(enrolment_error(error_category::not_found, "group_unknown",
                                                   "group \"" + group + "\""));
            next();
          },
          running->on_error(running));
}

// -- enrolment ------------------------------------------------------------------------------------

struct enrolment : task<issued_certificate> {
  enrolment(pointer self, enrolment_request asked, std::string wanted_name)
      : task(self, {.category = "enrolment",
                    .action = "connector_enrolled",
                    .actor = asked.administrator,
                    .address = asked.address}),
        request(std::move(asked)),
        name(std::move(wanted_name)),
        group(request.group) {}

  enrolment_request request;
  std::string name;
  std::string group;
  unsigned attempts_left = token_attempts;
};
using enrolment_ptr = std::shared_ptr<enrolment>;

void enrol(pointer self, const enrolment_ptr& running) {
  const auto& deps = self->state.deps;
  const auto now = deps.clock->now();
  connector_record record{.id = deps.random->hex(connector_id_bytes),
                          .name = running->name,
                          .group = running->group,
                          .enrolled_at = runtime::to_unix_seconds(now),
                          .enrolled_by = running->event().actor};
  auto made = self->state.key->sign(running->request.csr_der, record.id, now,
                                    deps.certificate_lifetime, *deps.random);
  if (!made) return running->fail(made.error());
  record.serials.push_back(made->serial);
  running->event().target = record.id;
  running->event().detail = "group " + record.group + ", name " + record.name;
  issued_certificate answer{.connector = record.id,
                            .group = record.group,
                            .certificate_pem = std::move(made->pem),
                            .authority_pem = self->state.key->certificate_pem()};
  self->request(deps.connectors, durable_timeout, insert_atom_v, std::move(record))
      .then([=]() mutable { running->succeed(std::move(answer)); }, running->on_error(running));
}

/// Goes on if the wanted name is nobody's id, with `next`. Asked after what proves the right to
/// ask.
template <class Next>
void check_name(pointer self, const enrolment_ptr& running, const Next& next) {
  self->request(self->state.deps.connectors, local_timeout, find_atom_v, running->name)
      .then(
          [=](const connector_record&) {
            running->fail(enrolment_error(error_category::forbidden, "csr_foreign_subject",
                                          "the name is a connector's id"));
          },
          [=](const caf::error& e) {
            const auto why = runtime::from_caf(e);
            why.category == error_category::not_found ? next() : running->fail(why);
          });
}

void begin_token(pointer self, const enrolment_ptr& running);

void spend_token(pointer self, const enrolment_ptr& running, const granted_enrolment& granted) {
  self->request(self->state.deps.store, store_timeout, commit_atom_v,
                std::vector<runtime::store_change>{granted.spend})
      .then([=](uint64_t) { enrol(self, running); },
            [=](const caf::error& e) {
              const auto why = runtime::from_caf(e);
              if (why.category != error_category::conflict || --running->attempts_left == 0)
                return running->fail(why);
              begin_token(self, running);
            });
}

void begin_token(pointer self, const enrolment_ptr& running) {
  self->request(self->state.deps.store, store_timeout, load_atom_v,
                std::string{enrolment_token_kind})
      .then(
          [=](const records& tokens) {
            const auto granted =
                use_enrolment_token(tokens, running->request.enrolment_token,
                                    running->request.group, self->state.deps.clock->now());
            if (!granted) return running->fail(granted.error());
            running->group = granted->group;
            running->event().actor = granted->by;
            // The token is used up last, so that a mistake in the request does not cost it.
            check_group(self, running, running->group, [=, spend = *granted] {
              check_name(self, running, [=] { spend_token(self, running, spend); });
            });
          },
          running->on_error(running));
}

// -- renewal --------------------------------------------------------------------------------------

struct renewal : task<issued_certificate> {
  renewal(pointer self, renewal_request asked, runtime::certificate_info presented)
      : task(self, {.category = "certificate",
                    .action = "certificate_renewed",
                    .actor = presented.common_name,
                    .target = presented.common_name,
                    .address = asked.address}),
        request(std::move(asked)),
        old(std::move(presented)) {}

  renewal_request request;
  runtime::certificate_info old;
};
using renewal_ptr = std::shared_ptr<renewal>;

/// Whoever asks sees which part refused it.
runtime::error unreadable(runtime::error why) {
  why.source = "enrolment";
  return why;
}

/// What can be said of a renewal without asking anybody.
runtime::result<void> check_alone(pointer self, const renewal& running) {
  const auto csr = runtime::read_certificate_request(running.request.csr_der);
  if (!csr) return unreadable(csr.error());
  if (!self->state.key->has_issued(running.request.certificate_pem))
    return enrolment_error(error_category::forbidden, "certificate_foreign", running.old.issuer);
  if (auto fits = check_key(*csr); !fits) return fits;
  return check_renewal_subject(*csr, running.old);
}

void renew_record(pointer self, const renewal_ptr& running, connector_record record) {
  const auto& deps = self->state.deps;
  const auto now = deps.clock->now();
  if (auto fits = check_renewal(running->old, record, now); !fits)
    return running->fail(fits.error());
  auto made = self->state.key->sign(running->request.csr_der, record.id, now,
                                    deps.certificate_lifetime, *deps.random);
  if (!made) return running->fail(made.error());
  // The old one is in use as well: the answer may be lost, and then it has to renew again.
  record.serials = {running->old.serial, made->serial};
  running->event().detail = running->old.serial + " -> " + made->serial;
  issued_certificate answer{.connector = record.id,
                            .group = record.group,
                            .certificate_pem = std::move(made->pem),
                            .authority_pem = self->state.key->certificate_pem()};
  self->request(deps.connectors, durable_timeout, insert_atom_v, std::move(record))
      .then([=]() mutable { running->succeed(std::move(answer)); }, running->on_error(running));
}

}  // namespace

caf::result<issued_certificate> sign(pointer self, enrolment_request request) {
  if (is_busy(self)) return runtime::to_caf(busy());
  const auto csr = runtime::read_certificate_request(request.csr_der);
  const auto running =
      std::make_shared<enrolment>(self, std::move(request), csr ? csr->common_name : std::string{});
  const auto check = [&]() -> runtime::result<void> {
    if (!csr) return unreadable(csr.error());
    if (running->request.enrolment_token.empty() && running->request.administrator.empty())
      return enrolment_error(error_category::unauthenticated, "enrolment_unauthenticated", {});
    if (auto fits = check_key(*csr); !fits) return fits;
    return check_enrolment_subject(*csr);
  };
  if (auto fits = check(); !fits)
    running->fail(fits.error());
  else if (!running->request.enrolment_token.empty())
    begin_token(self, running);
  else
    check_group(self, running, running->group,
                [=] { check_name(self, running, [=] { enrol(self, running); }); });
  return running->promise();
}

caf::result<issued_certificate> renew(pointer self, renewal_request request) {
  if (is_busy(self)) return runtime::to_caf(busy());
  auto old = runtime::read_certificate_pem(request.certificate_pem);
  if (!old) return runtime::to_caf(old.error());
  const auto running = std::make_shared<renewal>(self, std::move(request), std::move(*old));
  if (auto fits = check_alone(self, *running); !fits) {
    running->fail(fits.error());
    return running->promise();
  }
  self->request(self->state.deps.connectors, local_timeout, find_atom_v, running->old.common_name)
      .then([=](const connector_record& record) { renew_record(self, running, record); },
            running->on_error(running));
  return running->promise();
}

caf::result<enrolment_token> issue(pointer self, const enrolment_token_request& request) {
  if (is_busy(self)) return runtime::to_caf(busy());
  using issuing = task<enrolment_token>;
  const auto running = std::make_shared<issuing>(
      self, audit_event{.category = "enrolment",
                        .action = "enrolment_token_issued",
                        .actor = request.by,
                        .target = request.group,
                        .detail = std::to_string(request.uses) + " uses"});
  const auto make = [=](const records& known) {
    const auto& deps = self->state.deps;
    auto made = make_enrolment_token(known, request, deps.clock->now(), *deps.random);
    if (!made) return running->fail(made.error());
    self->request(deps.store, store_timeout, commit_atom_v, std::move(made->writes))
        .then([=, token = std::move(made->token)](uint64_t) { running->succeed(token); },
              running->on_error(running));
  };
  check_group(self, running, request.group, [=] {
    self->request(self->state.deps.store, store_timeout, load_atom_v,
                  std::string{enrolment_token_kind})
        .then(make, running->on_error(running));
  });
  return running->promise();
}

}  // namespace postern::actors
