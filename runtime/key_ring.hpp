#pragma once
// Authenticated encryption of small blobs with rotating keys: cookies, sign-in attempts, wrapped
// private keys.

#include "runtime/error.hpp"
#include "runtime/random_source.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::runtime {

/// One AES-256 key with its public identifier.
struct sealing_key {
  std::string id;  ///< 1 to 16 characters of [0-9a-z]
  std::array<uint8_t, 32> key{};
};

/// An immutable set of keys: the first one seals, every one opens. Safe to share between threads.
class key_ring {
 public:
  /// `keys` must not be empty; ids must be unique.
  key_ring(std::vector<sealing_key> keys, random_source& random);
  ~key_ring();
  key_ring(const key_ring&) = delete;
  key_ring& operator=(const key_ring&) = delete;

  /// AES-256-GCM with a fresh 96-bit nonce; `purpose` is authenticated and must be the same for
  /// opening. Returns base64url text "id.nonce+ciphertext+tag" that is safe in a cookie.
  std::string seal(std::string_view plain, std::string_view purpose) const;

  /// Opens what any key of the ring sealed for the same purpose. Errors: `unauthenticated` with the
  /// cause "seal_malformed", "seal_unknown_key" or "seal_forged".
  result<std::string> open(std::string_view sealed, std::string_view purpose) const;

  /// The id of the key that seals.
  const std::string& current_id() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// A fresh key with a fresh id.
sealing_key make_sealing_key(random_source& random);

/// A ring as one blob for the store, and back (cereal). The newest key stands first.
std::string encode_sealing_keys(const std::vector<sealing_key>& keys);
result<std::vector<sealing_key>> decode_sealing_keys(std::string_view blob);

}  // namespace postern::runtime
