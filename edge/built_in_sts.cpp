#include "edge/built_in_sts.hpp"

#include "actors/revocations.hpp"

namespace postern::edge {

using runtime::result;

namespace {

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

result<void> refresh_built_in_sts(sts::provider& sts, runtime::store& store,
                                  const runtime::wall_clock& clock) {
  if (auto done = sts.refresh_keys(); !done) return done;
  return tell_revocations(sts, store, clock);
}

}  // namespace postern::edge
