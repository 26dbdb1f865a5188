#pragma once
// The built-in STS as a node runs it. Used by edge/node and edge/key_watch.

#include "actors/messages.hpp"
#include "config/users.hpp"
#include "edge/edge_context.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/random_source.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"
#include "sts/options.hpp"
#include "sts/provider.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace postern::edge {

/// Makes and starts the STS, and tells it which users were revoked: what it remembers of that ends
/// with the process, while its sessions live on in browsers. `store`, `clock` and `random` must
/// outlive it. Errors: those of the store, and of sts::provider::start.
runtime::result<std::unique_ptr<sts::provider>> start_built_in_sts(
    sts::options settings, std::vector<config::user> users, runtime::store& store,
    std::shared_ptr<const runtime::key_ring> sealing, const runtime::wall_clock& clock,
    runtime::random_source& random);

/// What an event of the STS is in the audit log; none for those that anybody can cause as often as
/// he likes (a sign-in that is slowed down), which go to the log alone.
std::optional<actors::audit_event> to_audit_event(const sts::event& what);

/// Writes an event of the STS to the log, and to the audit log as far as it belongs there. On the
/// shard of the context.
void record_sts_event(edge_context& context, const sts::event& what);

/// Takes over what other nodes have written: keys, and who was revoked. Blocks. Errors: those of
/// the store, and of sts::provider::refresh_keys.
runtime::result<void> refresh_built_in_sts(sts::provider& sts, runtime::store& store,
                                           const runtime::wall_clock& clock);

}  // namespace postern::edge
