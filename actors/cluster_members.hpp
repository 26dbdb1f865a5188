#pragma once
// The membership table: one record of the store per node. Pure functions; used by
// cluster_directory.

#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"

#include <cereal/types/string.hpp>

#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace postern::actors {

/// The kind of the records; the key is the node's address among the nodes.
inline constexpr const char* node_kind = "node";

/// How often a node says that it is there.
inline constexpr std::chrono::minutes member_refresh{1};
/// A node that has said nothing for so long is not dialled any more. Clocks may differ by
/// minutes.
inline constexpr std::chrono::hours member_forgotten{1};

struct member_record {
  int64_t seen_at = 0;  ///< unix seconds
  std::string version;  ///< of its program

  template <class Archive>
  void serialize(Archive& ar) {
    ar(seen_at, version);
  }
};

runtime::store_change put_member(const std::string& address, const std::string& version,
                                 runtime::timestamp now);
runtime::store_change erase_member(const std::string& address);
/// The addresses of the nodes that were there lately. Records that cannot be read are left out.
std::set<std::string> read_members(const std::vector<runtime::stored_record>& records,
                                   runtime::timestamp now);

}  // namespace postern::actors
