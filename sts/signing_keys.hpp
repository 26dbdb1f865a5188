#pragma once
// The keys that sign tokens: made, published ahead, used, kept for verification, dropped.

#include "runtime/jose.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"
#include "sts/options.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace postern::sts {

/// Owns the signing keys of the issuer. They live in the store (kind "sts_key", key = kid) sealed
/// by the ring for the purpose "sts_key". A key's life: it stands in the JWKS for
/// key_publication_lead, signs for key_rotation_age, stays in the JWKS for key_retention, and is
/// erased. There is no timer: each call looks whether something is due, and a store that is down
/// only postpones it. Safe to use from any thread.
class signing_keys {
 public:
  signing_keys(const options& settings, runtime::store& store,
               std::shared_ptr<const runtime::key_ring> ring, const runtime::wall_clock& clock);

  /// Loads the keys or makes the first; seals again what an older key of the ring had sealed. To be
  /// called once, before anything else. Errors: those of the store, and `internal`
  /// "sts_key_unreadable" if the ring lacks the key of a record.
  runtime::result<void> start();

  /// Reads the keys again because another node may have changed them. A store that is down leaves
  /// those at hand in use. Errors: those of the store.
  runtime::result<void> refresh();

  /// Signs with the key whose turn it is. Errors: those of signing_key::sign.
  runtime::result<std::string> sign(const boost::json::object& claims, std::string_view type);

  /// The JWKS document (RFC 7517): the next key, the current one, and old ones that tokens may
  /// still need.
  std::string jwks();

  /// Verifies a signature of this issuer, nothing else. Errors: those of key_set::verify.
  runtime::result<boost::json::object> verify(std::string_view token);

 private:
  struct entry {
    runtime::signing_key key;
    int64_t signs_from = 0;  ///< unix seconds
  };
  struct snapshot {
    std::vector<entry> entries;  ///< by signs_from, never empty
    std::string jwks;
    runtime::key_set verifier;
  };

  std::shared_ptr<const snapshot> current();
  runtime::result<std::vector<entry>> load() const;
  runtime::result<void> maintain(int64_t now);
  runtime::result<void> add_key(std::vector<entry>& entries, int64_t signs_from) const;
  runtime::result<void> publish(std::vector<entry> entries);
  runtime::store_change record_of(const entry& e) const;

  const int64_t rotation_age_;
  const int64_t lead_;
  const int64_t retention_;
  runtime::store& store_;
  const std::shared_ptr<const runtime::key_ring> ring_;
  const runtime::wall_clock& clock_;
  std::mutex mutex_;
  std::shared_ptr<const snapshot> snapshot_;
  int64_t next_check_ = 0;  ///< unix seconds
};

}  // namespace postern::sts
