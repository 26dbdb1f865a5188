#include "edge/built_in_sts.hpp"

#include "actors/revocations.hpp"
#include "edge/administrator.hpp"
#include "runtime/log.hpp"

namespace postern::edge {

using runtime::result;

namespace {

constexpr std::string_view sign_in_blocked = "sign_in_blocked";

bool is_failure(const sts::event& e) {
  return e.what == "sign_in_failed" || e.what == sign_in_blocked || e.what == "code_replayed";
}

result<void> tell_revocations(sts::provider& sts, runtime::store& store,
                              const runtime::wall_clock& clock) {
  const auto revoked = store.load(actors::revoked_user_kind);
  if (!revoked) return revoked.error();
  // A record that cannot be read ends what was before now, not every sign-in to come.
  const auto now = runtime::to_unix_seconds(clock.now());
  for (const auto& [user, since] : actors::read_revoked_users(*revoked, now))
    sts.require_new_sign_in(user, runtime::from_unix_seconds(since));
  return {};
}

}  // namespace

result<std::unique_ptr<sts::provider>> start_built_in_sts(
    sts::options settings, std::vector<config::user> users, runtime::store& store,
    std::shared_ptr<const runtime::key_ring> sealing, const runtime::wall_clock& clock,
    runtime::random_source& random) {
  auto made = std::make_unique<sts::provider>(std::move(settings), std::move(users), store,
                                              std::move(sealing), clock, random);
  if (auto started = made->start(); !started) return started.error();
  if (auto told = tell_revocations(*made, store, clock); !told) return told.error();
  return made;
}

std::optional<actors::audit_event> to_audit_event(const sts::event& what) {
  if (what.what == sign_in_blocked) return {};
  actors::audit_event event;
  event.category = "sts";
  event.action = what.what;
  event.actor = what.user;
  event.target = what.client_id;
  event.outcome = is_failure(what) ? "refused" : "success";
  event.address = what.address;
  event.request_id = what.request_id;
  return event;
}

void record_sts_event(edge_context& context, const sts::event& what) {
  runtime::log_event(is_failure(what) ? spdlog::level::warn : spdlog::level::info, what.what,
                     {{"user", what.user},
                      {"client", what.client_id},
                      {"address", what.address},
                      {"request_id", what.request_id}});
  if (auto event = to_audit_event(what))
    context.port->tell(handles_of(context).audit, actors::record_atom_v, std::move(*event));
}

result<void> refresh_built_in_sts(sts::provider& sts, runtime::store& store,
                                  const runtime::wall_clock& clock) {
  if (auto done = sts.refresh_keys(); !done) return done;
  return tell_revocations(sts, store, clock);
}

}  // namespace postern::edge
