#pragma once
// The node's symmetric keys: the master key in a file of its own, and the cookie keys in the store,
// wrapped by it.

#include "runtime/key_ring.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"

#include <memory>
#include <string>

namespace postern::edge {

struct node_keys {
  std::shared_ptr<const runtime::key_ring> wrapping;  ///< wraps private keys in the store
  std::shared_ptr<const runtime::key_ring> cookies;   ///< seals what users carry; newest key first
};

/// Reads DIRECTORY/master.key (made at the first start, mode 0600) and the cookie keys; makes a
/// cookie key if there is none or the newest is older than 30 days. Old keys keep opening until
/// they are 90 days old: longer than any session lasts.
runtime::result<node_keys> load_node_keys(const std::string& directory, runtime::store& store,
                                          const runtime::wall_clock& clock,
                                          runtime::random_source& random);

/// Adds a cookie key that seals from the node's next start on; the others keep opening. Returns its
/// id.
runtime::result<std::string> rotate_cookie_keys(const std::string& directory, runtime::store& store,
                                                const runtime::wall_clock& clock,
                                                runtime::random_source& random);

}  // namespace postern::edge
