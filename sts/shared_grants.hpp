#pragma once
// Device grants in the store, where all nodes of an issuer find them: a device may ask one node and
// its user decide at another. Internal to device_grants.

#include "runtime/store.hpp"

#include <cereal/types/string.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace postern::sts {

/// A grant as it stands in the store (kind "sts_device_grant", key: the user's code).
struct shared_grant {
  std::string code_hash;  ///< SHA-256 of the device's code
  std::string client_id;
  std::string scope;
  std::string address;     ///< where the device asked from
  int64_t expires_at = 0;  ///< unix seconds
  uint8_t decision = 0;    ///< 0: none yet, 1: allowed, 2: denied
  std::string user;        ///< who allowed it, with the next two
  int64_t auth_time = 0;   ///< unix seconds
  std::string session_id;

  template <class Archive>
  void serialize(Archive& ar) {
    ar(code_hash, client_id, scope, address, expires_at, decision, user, auth_time, session_id);
  }
};

/// Blocking; any thread. Errors are those of the store; `conflict`: another node was first.
class shared_grants {
 public:
  struct found {
    std::string user_code;
    shared_grant grant;
    uint64_t revision = 0;
  };

  explicit shared_grants(runtime::store& store) : store_(store) {}

  /// All grants. Records that cannot be read are left out.
  runtime::result<std::vector<found>> load() const;
  /// Writes a grant that must be at `revision` (0: new); returns its new revision.
  runtime::result<uint64_t> put(const std::string& user_code, const shared_grant& grant,
                                uint64_t revision);
  /// Erases a grant: only one can.
  runtime::result<void> take(const std::string& user_code, uint64_t revision);
  /// Erases what nobody asks for any more.
  void forget(const std::vector<std::string>& user_codes);

 private:
  runtime::store& store_;
};

}  // namespace postern::sts
