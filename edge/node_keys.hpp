#pragma once
// The node's symmetric keys: the master key in a file of its own, and the cookie keys in the store,
// wrapped by it.

#include "runtime/key_ring.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace postern::edge {

/// On a shared store a new key opens at once everywhere, but seals only after this time: another
/// node may not have read it yet.
inline constexpr std::chrono::seconds seal_lead{60};

/// Whether other nodes work on the same store.
enum class key_sharing : bool { alone, shared };

struct node_keys {
  std::shared_ptr<const runtime::key_ring> wrapping;  ///< wraps private keys in the store
  std::shared_ptr<const runtime::key_ring> cookies;   ///< seals what users carry
  /// When another of the cookie keys is to seal (load_cookie_ring then says so); none: not soon.
  std::optional<runtime::timestamp> next_change;
};

/// Reads DIRECTORY/master.key (made at the first start, mode 0600) and the cookie keys; makes a
/// cookie key if there is none or the newest is older than 30 days. An old key keeps opening, and
/// stays in the store, until the last cookie that it may have sealed has expired: what counts is
/// the first start at which it no longer seals, not its own age. Of several nodes on one store the
/// first one makes the master key; the others are given the file, and are refused without it
/// ("master_key_missing").
runtime::result<node_keys> load_node_keys(const std::string& directory, runtime::store& store,
                                          const runtime::wall_clock& clock,
                                          runtime::random_source& random,
                                          key_sharing sharing = key_sharing::alone);

/// Reads the cookie keys again, because they have changed or their time has come.
runtime::result<node_keys> load_cookie_ring(std::shared_ptr<const runtime::key_ring> wrapping,
                                            runtime::store& store, const runtime::wall_clock& clock,
                                            runtime::random_source& random, key_sharing sharing);

/// Adds a cookie key; the others keep opening. It seals from the node's next start on, on a shared
/// store after seal_lead. Returns its id.
runtime::result<std::string> rotate_cookie_keys(const std::string& directory, runtime::store& store,
                                                const runtime::wall_clock& clock,
                                                runtime::random_source& random);

}  // namespace postern::edge
