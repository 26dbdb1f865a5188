#pragma once
// A whole node: builds the object graph from the configuration, runs it until told to stop, takes
// it apart again.

#include "config/node.hpp"

namespace postern::edge {

/// Runs `postern serve`. `enable_chaos`: administrators may make actors crash. Returns the exit
/// status: 0 after a planned stop, 1 if it could not start, 2 for a users file that does not hold
/// (said on standard error).
int run_node(const config::node& options, bool enable_chaos);

/// Runs `postern rotate-keys`: adds a cookie key. Exit status as above.
int run_rotate_keys(const config::node& options);

/// Runs `postern hash-password`: reads one line from standard input, prints its hash.
int run_hash_password();

}  // namespace postern::edge
