#pragma once
// Authorization codes: sealed texts that carry what was granted, each good for one redemption.

#include "runtime/random_source.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"
#include "sts/options.hpp"
#include "sts/responses.hpp"
#include "sts/sealed_fields.hpp"
#include "sts/single_sign_on.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace postern::sts {

/// The description of the error for a code that comes a second time: somebody may have stolen it.
inline constexpr std::string_view code_replayed = "the code was used before";

/// What a code stands for (RFC 6749, 4.1.2).
struct code_content {
  std::string client_id;
  std::string redirect_uri;
  std::string scope;
  std::string nonce;           ///< may be empty
  std::string code_challenge;  ///< S256 (RFC 7636); empty only for confidential clients
  session who;
};

/// Makes and redeems codes. Only the ids of used ones are remembered, until they would have
/// expired. A code holds for the object that made it: after a restart nobody knows what was used,
/// so codes from before are refused and the user's browser, still signed in, gets another at once.
///
/// With other nodes on one store a code holds for all of them: used ones are records (kind
/// "sts_used_code"), which only one can make. While the store is down a code holds for the object
/// that made it, as above. (So in the worst case, a node that has lost the store while others have
/// not, a code could be used once here and once there, by whoever has the client's secret or PKCE
/// verifier.) Safe to use from any thread.
class code_vault {
 public:
  /// `shared`: the store of all nodes; null: there is one node. Must outlive the object.
  code_vault(const options& settings, std::shared_ptr<const runtime::key_ring> ring,
             const runtime::wall_clock& clock, runtime::random_source& random,
             runtime::store* shared = nullptr);

  std::string make(const code_content& content) const;

  /// Uses the code up, whatever the caller finds wrong with the rest of the request (so a verifier
  /// cannot be guessed). Errors: "invalid_grant" for a forged, expired or replayed one;
  /// "temporarily_unavailable" when too many codes are in use.
  oauth_result<code_content> redeem(std::string_view code);

 private:
  oauth_result<void> use_up(const std::string& id, int64_t expires, int64_t now);
  /// True: used up everywhere; none: the store cannot tell.
  std::optional<bool> use_up_everywhere(const std::string& id, int64_t expires, int64_t now);
  void forget_expired(int64_t now);

  const int64_t lifetime_;
  const std::shared_ptr<const runtime::key_ring> ring_;
  const runtime::wall_clock& clock_;
  runtime::random_source& random_;
  runtime::store* const shared_;
  const std::string own_;  ///< begins the id of every code that this object has made
  const std::string purpose_;
  std::mutex mutex_;
  std::map<std::string, int64_t> used_;  ///< id -> expiry in unix seconds
  int64_t next_sweep_ = 0;               ///< of the store; unix seconds
};

}  // namespace postern::sts
