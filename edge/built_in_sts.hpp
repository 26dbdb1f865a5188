#pragma once
// The built-in STS as a node runs it. Used by edge/node and edge/key_watch.

#include "config/users.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/random_source.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"
#include "sts/options.hpp"
#include "sts/provider.hpp"

#include <memory>
#include <vector>

namespace postern::edge {

/// Makes and starts the STS, and tells it which users were revoked: what it remembers of that ends
/// with the process, while its sessions live on in browsers. `store`, `clock` and `random` must
/// outlive it. Errors: those of the store, and of sts::provider::start.
runtime::result<std::unique_ptr<sts::provider>> start_built_in_sts(
    sts::options settings, std::vector<config::user> users, runtime::store& store,
    std::shared_ptr<const runtime::key_ring> sealing, const runtime::wall_clock& clock,
    runtime::random_source& random);

/// Takes over what other nodes have written: keys, and who was revoked. Blocks. Errors: those of
/// the store, and of sts::provider::refresh_keys.
runtime::result<void> refresh_built_in_sts(sts::provider& sts, runtime::store& store,
                                           const runtime::wall_clock& clock);

}  // namespace postern::edge
