#pragma once
// What the provider is told at its start; edge/ fills it from the node's configuration.

#include <chrono>
#include <functional>
#include <string>

namespace postern::sts {

/// Something that an audit log wants to keep. Never holds a secret, nor a name that nobody bears
/// (people type their password into the wrong box).
struct event {
  /// "signed_in", "sign_in_failed", "sign_in_blocked", "signed_out", "device_allowed",
  /// "device_denied" or "code_replayed".
  std::string what;
  std::string user;        ///< empty if it is not a known one
  std::string client_id;   ///< empty if none is concerned
  std::string address;     ///< the peer, as handle() was told
  std::string request_id;  ///< X-Request-Id of the request
};

struct options {
  /// "https://HOST[:PORT]", no path, no slash at the end; every endpoint's URL starts with it.
  std::string issuer;
  std::chrono::seconds id_token_lifetime{3'600};
  std::chrono::seconds access_token_lifetime{3'600};
  std::chrono::seconds code_lifetime{60};
  std::chrono::seconds device_code_lifetime{600};
  /// From the moment the password was typed; the cookie is not prolonged by use.
  std::chrono::seconds single_sign_on_lifetime = std::chrono::hours{8};

  /// For how long one key signs.
  std::chrono::seconds key_rotation_age = std::chrono::hours{24 * 30};
  /// For how long a new key stands in the JWKS before it signs, so that clients which cache the
  /// JWKS know it in time.
  std::chrono::seconds key_publication_lead = std::chrono::hours{24};
  /// For how long a key stays in the JWKS after its last signature; at least the longest token
  /// lifetime is kept to.
  std::chrono::seconds key_retention = std::chrono::hours{24};

  /// Other nodes serve the same issuer on the same store and with the same sealing keys.
  bool shared = false;

  /// Called from whatever thread is in handle(); must be quick and must not throw. May be empty.
  std::function<void(const event&)> observer;
};

}  // namespace postern::sts
