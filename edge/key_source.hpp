#pragma once
// actors::key_source_actor over HTTPS: what token_verifier asks for an issuer's keys.

#include "actors/contracts.hpp"
#include "edge/oidc_client.hpp"
#include "runtime/actor_port.hpp"

namespace postern::edge {

/// An actor_port of its own on one shard, and what answers there. Fetches anew for every message:
/// token_verifier is the one that remembers keys and knows when to ask.
class key_source {
 public:
  /// To be made on the shard's thread or before the shard runs; `home` must outlive it. `trust` is
  /// asked on that thread.
  key_source(caf::actor_system& system, runtime::shard& home, issuer_trust trust);

  /// The handle for token_verifier.
  actors::key_source_actor handle() const { return port_.as<actors::key_source_actor>(); }

 private:
  void on_message(caf::message& content, const runtime::actor_port::responder& answer);
  runtime::awaitable<void> fetch(std::string issuer, runtime::actor_port::responder answer);

  runtime::shard& home_;
  oidc_client issuers_;
  runtime::actor_port port_;
};

}  // namespace postern::edge
