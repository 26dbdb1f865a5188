#pragma once
// The nodes that asked a connector for tunnels besides those it dials by itself (the rendezvous
// between nodes), as plain data. Who uses it: connector_agent.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace postern::actors {

/// Slots of such tunnels begin here, far beyond those that a configuration may ask for.
inline constexpr uint32_t first_summoned_slot = 1U << 16U;

/// Nodes at a time: more than a cluster has, and a bound for a node that lost its mind.
inline constexpr size_t largest_summoned_count = 32;

/// A tunnel that was asked for stays as long as it lives. When it ends it is not dialled again: a
/// node that still wants one asks again, one that has gone does not.
class summoned_nodes {
 public:
  /// A tunnel to be dialled.
  struct dial {
    uint32_t slot = 0;
    std::string address;
  };

  static bool owns(uint32_t slot) noexcept { return slot >= first_summoned_slot; }

  /// A node asks for tunnels to an address. Returns those to be dialled, so that there are
  /// `tunnels` of them: none if they are there already, are being dialled, or the bound is reached.
  std::vector<dial> on_summons(const std::string& address, uint32_t tunnels);

  void on_opened(uint32_t slot);
  void on_closed(uint32_t slot);

  /// The tunnels that are up.
  std::vector<uint32_t> up() const;

  /// How many tunnels are up.
  uint32_t open() const noexcept;

 private:
  struct tunnel {
    std::string address;
    bool open = false;
  };

  std::map<uint32_t, tunnel> tunnels_;  ///< by slot: dialled or up
  uint32_t next_slot_ = first_summoned_slot;
};

}  // namespace postern::actors
