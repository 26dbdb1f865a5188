#pragma once
// JSON Web Tokens and keys by cjose (RFC 7515, 7517, 7519) under the rules of RFC 8725: algorithms
// by allow-list only.

#include "runtime/error.hpp"

#include <boost/json/object.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::runtime {

/// The parts of a signed token that may be read before its signature is known to hold.
struct jws_header {
  std::string algorithm;  ///< "alg"
  std::string key_id;     ///< "kid", empty if absent
  std::string type;       ///< "typ", empty if absent
};

/// A private EC P-256 key that signs tokens with ES256.
class signing_key {
 public:
  /// Makes a fresh key; its kid is the RFC 7638 thumbprint.
  static result<signing_key> generate();
  /// Reads what private_jwk() wrote.
  static result<signing_key> parse(std::string_view private_jwk);

  const std::string& key_id() const noexcept;
  /// The whole key as JSON: a secret.
  std::string private_jwk() const;
  /// The public half as a JSON object with "kid", "use" and "alg".
  boost::json::object public_jwk() const;
  /// Signs claims; `type` becomes "typ" (for example "JWT" or "at+jwt").
  result<std::string> sign(const boost::json::object& claims, std::string_view type) const;

 private:
  struct impl;
  std::shared_ptr<const impl> impl_;
};

/// Public keys of one issuer (RFC 7517). Immutable, safe to share between threads.
class key_set {
 public:
  key_set();
  /// Keys of unknown kinds or uses are skipped; a malformed document is an error with the cause
  /// "jwks_malformed".
  static result<key_set> parse(std::string_view jwks);

  /// Whether a key of that id is there.
  bool contains(std::string_view key_id) const noexcept;

  /// Verifies the signature and returns the claims. Only RS256, PS256 and ES256 are allowed, the
  /// key's kind must fit the algorithm, and a `kid`, if the token has one, must be known. Errors:
  /// `unauthenticated` with cause "token_malformed", "token_algorithm", "token_unknown_key" or
  /// "token_signature".
  result<boost::json::object> verify(std::string_view token) const;

 private:
  struct impl;
  std::shared_ptr<const impl> impl_;
};

/// Reads the protected header without verifying anything. Errors: "token_malformed".
result<jws_header> read_jws_header(std::string_view token);

}  // namespace postern::runtime
