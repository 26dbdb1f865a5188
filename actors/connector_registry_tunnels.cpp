// The live side of connector_registry: who is let in, which tunnels are up, which pulls wait.
#include "actors/actor_support.hpp"
#include "actors/connector_configuration.hpp"
#include "actors/connector_connection.hpp"
#include "actors/connector_registry.hpp"
#include "actors/timeouts.hpp"
#include "runtime/caf_error.hpp"
#include "runtime/x509.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace postern::actors {

using runtime::error;
using runtime::error_category;

namespace {

error refusal(const char* cause, const std::string& id) {
  return {error_category::forbidden, cause, "connector", id};
}

}  // namespace

// -- admission ------------------------------------------------------------------------------------

runtime::result<registered_connector*> connector_registry_state::admit(const std::string& id,
                                                                       const std::string& serial) {
  const auto i = connectors_.find(id);
  if (i == connectors_.end()) return refusal("connector_unknown", id);
  auto& c = i->second;
  if (c.record.revoked) return refusal("connector_revoked", id);
  const auto& known = c.record.serials;
  if (std::find(known.begin(), known.end(), serial) == known.end())
    return refusal("certificate_unknown", id);
  // TLS has checked the dates when the tunnel was made; this holds for what a pull has shown.
  if (c.certificate_serial == serial && c.certificate_expires <= deps_.clock->now())
    return refusal("certificate_expired", id);
  return &c;
}

void connector_registry_state::notice(registered_connector& c, const std::string& instance,
                                      const std::string& address) {
  c.last_seen = deps_.clock->now();
  c.address = address;
  const auto pair = c.instances.on_activity(instance, now());
  if (!pair) return;
  spdlog::error(
      "connector {} ({}) is held by two processes at once: instances {} and {}, the last "
      "one seen at {}; its key may have been copied",
      c.record.id, c.record.name, pair->first, pair->second, address);
  audit_event e;
  e.category = "alarm";
  e.action = "duplicate_identity";
  e.actor = c.record.id;
  e.target = c.record.name;
  e.outcome = "two_holders";
  e.address = address;
  e.detail = "instances " + pair->first + " and " + pair->second;
  self_->send(deps_.audit, record_atom_v, std::move(e));
}

// -- tunnels --------------------------------------------------------------------------------------

bool connector_registry_state::knows(const std::string& id, const std::string& serial) const {
  const auto i = connectors_.find(id);
  if (i == connectors_.end()) return false;
  const auto& known = i->second.record.serials;
  return i->second.record.revoked || std::find(known.begin(), known.end(), serial) != known.end();
}

template <class Work>
void connector_registry_state::with_record(const std::string& id, Work work) {
  auto go_on = std::make_shared<Work>(std::move(work));
  self_->request(deps_.store, store_timeout, find_atom_v, std::string{connector_kind}, id)
      .then(
          [this, go_on](const std::vector<runtime::stored_record>& found) {
            for (const auto& r : found)
              adopt_stored(r);
            (*go_on)();
          },
          // What is not known is refused.
          [go_on](caf::error&) { (*go_on)(); });
}

caf::result<connector_connection_actor> connector_registry_state::attach(tunnel_info info) {
  if (knows(info.connector, info.serial)) return to_reply(attach_known(std::move(info)));
  auto promise = self_->make_response_promise<connector_connection_actor>();
  auto id = info.connector;
  with_record(id, [this, promise, info = std::move(info)]() mutable {
    settle(promise, attach_known(std::move(info)));
  });
  return promise;
}

runtime::result<connector_connection_actor> connector_registry_state::attach_known(
    tunnel_info info) {
  auto admitted = admit(info.connector, info.serial);
  if (admitted.has_error()) {
    spdlog::warn("tunnel {}.{} from {} was refused: {}", info.id.shard, info.id.number,
                 info.address, to_string(admitted.error()));
    return admitted.error();
  }
  auto& c = **admitted;
  notice(c, info.instance, info.address);
  if (c.tunnels.size() >= size_t{tunnel_allowance} * deps_.tunnels_per_connector)
    return error{error_category::overloaded, "too_many_tunnels", "connector", info.connector};
  info.capacity = info.capacity == 0 ? deps_.exchanges_per_tunnel
                                     : std::min(info.capacity, deps_.exchanges_per_tunnel);
  c.version = info.version;
  auto connection = self_->spawn<caf::monitored>(
      connector_connection, info,
      connector_connection_dependencies{queue_of(c.record.group), deps_.tunnels});
  owners_.emplace(connection.address(), c.record.id);
  c.instances.on_tunnel_opened(info.instance, now());
  c.tunnels.push_back({std::move(info), connection});
  tell_group(c.record.group, true);
  return connection;
}

void connector_registry_state::on_connection_down(const std::string& connector,
                                                  const caf::down_msg& down) {
  auto& c = connectors_.at(connector);
  const auto i = std::find_if(c.tunnels.begin(), c.tunnels.end(), [&](const live_tunnel& t) {
    return t.connection.address() == down.source;
  });
  if (i == c.tunnels.end()) return;
  const auto info = std::move(i->info);
  c.tunnels.erase(i);
  tell_group(c.record.group);
  c.last_seen = deps_.clock->now();
  c.instances.on_tunnel_closed(info.instance);
  if (published_->find_group(c.record.group) == nullptr && adjust_queues()) publish_routing();
  if (down.reason == caf::exit_reason::normal || down.reason == caf::error{}) return;
  // It could not clean up by itself: nobody watches this tunnel any more, so it has to go.
  spdlog::error("the connection of tunnel {}.{} ended: {}", info.id.shard, info.id.number,
                to_string(runtime::from_caf(down.reason)));
  if (const auto q = queues_.find(c.record.group); q != queues_.end())
    self_->send(q->second.queue, detach_atom_v, info.id);
  self_->send(deps_.tunnels, shut_atom_v, info.id, std::string{"its connection actor ended"});
}

// -- configuration --------------------------------------------------------------------------------

const group_content& connector_registry_state::content_of(const std::string& group) {
  const auto [i, made] = contents_.try_emplace(group);
  if (made) {
    for (const auto& a : published_->applications)
      if (a.group == group) i->second.applications.push_back(for_connector(a));
    i->second.digest = digest(i->second.applications);
  }
  return i->second;
}

connector_configuration connector_registry_state::outline_of(const connector_record& r,
                                                             timestamp not_before) {
  connector_configuration c;
  c.connector = r.id;
  c.group = r.group;
  c.tunnels = deps_.tunnels_per_connector;
  c.exchanges = deps_.exchanges_per_tunnel;
  c.renew_certificate = deps_.clock->now() - not_before > deps_.renew_after;
  c.drained = drained_.contains(r.id);
  c.version = content_version(c, content_of(r.group).digest);
  return c;
}

connector_configuration connector_registry_state::configuration_of(const connector_record& r,
                                                                   timestamp not_before) {
  auto c = outline_of(r, not_before);
  c.applications = content_of(r.group).applications;
  return c;
}

void connector_registry_state::answer(waiting_pull& w) {
  const auto& record = connectors_.at(w.connector).record;
  if (record.revoked)
    w.promise.deliver(runtime::to_caf(refusal("connector_revoked", w.connector)));
  else
    w.promise.deliver(configuration_of(record, w.not_before));
}

bool connector_registry_state::has_changed(const waiting_pull& w) {
  const auto& record = connectors_.at(w.connector).record;
  return record.revoked || outline_of(record, w.not_before).version != w.known_version;
}

// -- pulls ----------------------------------------------------------------------------------------

caf::result<connector_configuration> connector_registry_state::pull(configuration_pull p) {
  const auto certificate = runtime::read_certificate_pem(p.certificate_pem);
  if (certificate.has_error() || certificate->common_name != p.connector)
    return runtime::to_caf(refusal("certificate_unknown", p.connector));
  auto promise = self_->make_response_promise<connector_configuration>();
  if (knows(p.connector, certificate->serial)) {
    pull_known(std::move(p), *certificate, promise);
  } else {
    auto id = p.connector;
    with_record(id, [this, promise, p = std::move(p), shown = *certificate]() mutable {
      pull_known(std::move(p), shown, promise);
    });
  }
  return promise;
}

void connector_registry_state::pull_known(configuration_pull p,
                                          const runtime::certificate_info& shown,
                                          pull_promise promise) {
  auto admitted = admit(p.connector, shown.serial);
  if (admitted.has_error()) {
    promise.deliver(runtime::to_caf(admitted.error()));
    return;
  }
  if (shown.not_after <= deps_.clock->now()) {
    promise.deliver(runtime::to_caf(refusal("certificate_expired", p.connector)));
    return;
  }
  auto& c = **admitted;
  c.certificate_serial = shown.serial;
  c.certificate_expires = shown.not_after;
  notice(c, p.instance, p.address);

  auto current = configuration_of(c.record, shown.not_before);
  if (current.version != p.known_version || p.wait <= milliseconds::zero()) {
    promise.deliver(std::move(current));
    return;
  }
  if (pulls_.size() >= largest_pull_count) {
    promise.deliver(
        runtime::to_caf({error_category::overloaded, "too_many_pulls", "service", p.connector}));
    return;
  }
  park({std::move(p.connector), std::move(p.instance), p.known_version, shown.not_before,
        now() + std::min(p.wait, longest_pull_wait), std::move(promise)});
}

void connector_registry_state::park(waiting_pull w) {
  const auto same_process = [&](const waiting_pull& o) {
    return o.connector == w.connector && o.instance == w.instance;
  };
  const auto same_connector = [&](const waiting_pull& o) { return o.connector == w.connector; };
  // Whoever has to make room is told what holds now, as if its wait were over.
  auto replaced = std::find_if(pulls_.begin(), pulls_.end(), same_process);
  if (replaced == pulls_.end() && std::count_if(pulls_.begin(), pulls_.end(), same_connector) >=
                                      static_cast<std::ptrdiff_t>(largest_pull_count_per_connector))
    replaced = std::find_if(pulls_.begin(), pulls_.end(), same_connector);
  if (replaced != pulls_.end()) {
    auto old = std::move(*replaced);
    pulls_.erase(replaced);
    answer(old);
  }
  const auto deadline = w.deadline;
  pulls_.push_back(std::move(w));
  if (pulls_due_ && *pulls_due_ <= deadline) return;
  pulls_due_ = deadline;
  start_pull_timer();
}

void connector_registry_state::start_pull_timer() {
  self_->delayed_send(self_, std::max<caf::timespan>(*pulls_due_ - now(), caf::timespan::zero()),
                      expire_atom_v, ++pull_epoch_);
}

void connector_registry_state::answer_changed_pulls() {
  if (!loaded()) return;
  auto all = std::exchange(pulls_, {});
  for (auto& w : all) {
    if (has_changed(w))
      answer(w);
    else
      pulls_.push_back(std::move(w));
  }
}

void connector_registry_state::on_pulls_due(uint64_t epoch) {
  if (epoch != pull_epoch_) return;
  pulls_due_.reset();
  auto all = std::exchange(pulls_, {});
  for (auto& w : all) {
    if (w.deadline > now()) {
      pulls_due_ = std::min(pulls_due_.value_or(w.deadline), w.deadline);
      pulls_.push_back(std::move(w));
    } else {
      answer(w);
    }
  }
  if (!pulls_due_) return;
  pulls_due_ = std::max(*pulls_due_, now() + pull_grain);
  start_pull_timer();
}

connector_status connector_registry_state::status_of(const registered_connector& c) const {
  connector_status s;
  s.record = c.record;
  s.connected = !c.tunnels.empty();
  s.tunnels = static_cast<uint32_t>(c.tunnels.size());
  s.version = c.version;
  s.address = c.address;
  s.last_seen = s.connected ? deps_.clock->now() : c.last_seen;
  s.certificate_expires = c.certificate_expires;
  s.duplicate = c.instances.duplicate(now());
  s.drained = drained_.contains(c.record.id);
  return s;
}

}  // namespace postern::actors
