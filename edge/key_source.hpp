#pragma once
// actors::key_source_actor over HTTPS: what token_verifier asks for an issuer's keys.

#include "edge/oidc_client.hpp"
#include "runtime/actor_port.hpp"

namespace postern::edge {

/// Answers the messages of key_source_actor that arrive at an actor_port of its shard; the port's
/// owner hands them over, and `port.as<actors::key_source_actor>()` is the handle. Fetches anew for
/// every message: token_verifier is the one that remembers keys and knows when to ask.
class key_source {
 public:
  /// Both must outlive the object, and the object the shard's event loop.
  key_source(runtime::shard& home, oidc_client& issuers) : home_(home), issuers_(issuers) {}

  /// Takes the message if it is one of key_source_actor's, and answers it later; false: it is not.
  bool handle(caf::message& content, const runtime::actor_port::responder& answer);

 private:
  runtime::awaitable<void> fetch(std::string issuer, runtime::actor_port::responder answer);

  runtime::shard& home_;
  oidc_client& issuers_;
};

}  // namespace postern::edge
