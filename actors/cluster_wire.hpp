#pragma once
// What nodes say to each other, as bytes. Who uses it: cluster_directory. Each message is a byte
// that tells its kind and a blob with a version (runtime/blob.hpp). So that nodes of two versions
// that follow each other are one cluster:
// - Whoever does not know a kind leaves the message alone. A new kind is sent only to nodes that
//   know it: each says in its presence which wire version it understands.
// - A kind gets new fields at its end only: an older node passes over them, a newer one does
//   without them.
// - Where that is not enough the blob's version rises. An older node leaves such a message alone;
//   whoever writes one writes the old form to nodes of the old wire version.
// tests/unit/actors/cluster_wire.cpp holds recorded messages.

#include "runtime/error.hpp"

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postern::actors {

/// The newest version of these messages that this program understands.
inline constexpr uint8_t cluster_wire_version = 1;

/// A message between nodes is small: a thousand groups with long names fit.
inline constexpr size_t largest_cluster_message = 256 * 1'024;

/// A node says what others need to know of it: when a link comes up, when it changes, and now and
/// then.
struct presence {
  uint8_t wire_version = cluster_wire_version;  ///< the newest that it understands
  bool asks = false;                            ///< it wants to be told the same in return
  std::string node;                             ///< where other nodes reach it, "IP:port"; its name
  std::string connectors_address;   ///< where connectors reach this very node, "IP:port"
  std::string version;              ///< of its program
  std::vector<std::string> groups;  ///< that have live tunnels there

  template <class Archive>
  void serialize(Archive& ar) {
    ar(wire_version, asks, node, connectors_address, version, groups);
  }
  bool operator==(const presence&) const = default;
};

/// A node asks that a connector of a group dial it.
struct summons {
  std::string group;
  std::string address;  ///< where, "IP:port"

  template <class Archive>
  void serialize(Archive& ar) {
    ar(group, address);
  }
  bool operator==(const summons&) const = default;
};

using cluster_message = std::variant<presence, summons>;

std::string encode_cluster_message(const cluster_message& message);

/// Fields of a newer version at the end are passed over. Errors, all `invalid_input`:
/// "cluster_message_unknown" for a kind that is not known here, and those of runtime::decode_blob.
runtime::result<cluster_message> decode_cluster_message(std::string_view bytes);

}  // namespace postern::actors
