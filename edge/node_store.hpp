#pragma once
// Opens the store that a node's configuration names.

#include "config/node.hpp"
#include "runtime/store.hpp"

#include <memory>

namespace postern::edge {

/// SQLite in the data directory, or the PostgreSQL server whose connection string the file holds.
/// Errors: those of the stores, and `invalid_input` "store_connection_readable" if everybody may
/// read the file.
runtime::result<std::unique_ptr<runtime::store>> open_node_store(const config::node& options);

/// Whether other nodes work on the same store.
inline bool is_shared(const config::store_options& options) {
  return options.kind == "postgres";
}

}  // namespace postern::edge
