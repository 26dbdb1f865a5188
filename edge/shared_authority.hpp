#pragma once
// The authority that signs the nodes' own server certificates, when nodes share a store: one for
// all, so that browsers and connectors have to trust one.

#include "runtime/key_ring.hpp"
#include "runtime/store.hpp"

#include <optional>
#include <string>

namespace postern::edge {

/// Key and certificate, PEM.
struct authority_pair {
  std::string key_pem;
  std::string certificate_pem;

  template <class Archive>
  void serialize(Archive& ar) {
    ar(key_pem, certificate_pem);
  }
};

/// The authority in the store (kind "server_authority", wrapped), or none yet. Errors: those of the
/// store, and `invalid_input` "server_authority_sealed" if another master key has wrapped it.
runtime::result<std::optional<authority_pair>> find_shared_authority(
    runtime::store& store, const runtime::key_ring& wrapping);

/// Puts a fresh one into the store; returns it, or the one that another node has put there
/// meanwhile.
runtime::result<authority_pair> share_authority(runtime::store& store,
                                                const runtime::key_ring& wrapping,
                                                authority_pair fresh);

}  // namespace postern::edge
