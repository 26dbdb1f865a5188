#pragma once
// The public keys of one issuer as the verifier knows them, and when they may be fetched. Who uses
// it: token_verifier, one value per issuer. Time is the actor's clock.

#include "actors/messages.hpp"
#include "runtime/jose.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace postern::actors {

/// Rotation is rare and forged key ids are cheap: an attacker must not make us flood the issuer.
inline constexpr std::chrono::seconds key_fetch_interval{10};
/// Keys older than this are fetched again in the background, so that a withdrawn key loses its
/// power although no token names a new one.
inline constexpr std::chrono::hours key_refresh_interval{1};

/// One issuer's keys and the state of fetching them.
class issuer_keys {
 public:
  /// The actor's clock (caf::actor_clock::time_point).
  using time_point = std::chrono::steady_clock::time_point;

  enum class need : uint8_t {
    none,        ///< verify with the keys at hand
    background,  ///< verify with the keys at hand, and fetch newer ones
    wait,        ///< fetch, or wait for the fetch under way, then verify
  };

  /// What a token with this header needs. A token without a key id never waits once there are keys.
  need what_is_needed(const runtime::jws_header& header, time_point now) const;

  /// Whether a fetch may begin now: none is under way and the last one began long enough ago.
  bool may_fetch(time_point now) const;

  void begin_fetch(time_point now);
  /// Takes over the keys of a well-formed document; else the old ones stay in use.
  void end_fetch(const std::string& jwks, time_point now);
  void fail_fetch(runtime::error why);

  bool fetching() const noexcept { return fetching_; }

  /// Verifies the signature. If the keys could not be fetched and the ones at hand do not know the
  /// token's key, the error is "sts_unreachable" (`unavailable`, source "sts") instead.
  runtime::result<boost::json::object> verify(const token_expectation& wanted) const;

 private:
  std::optional<runtime::key_set> keys_;
  std::optional<runtime::error> failure_;  ///< of the last fetch
  std::optional<time_point> begun_at_;     ///< the last fetch
  std::optional<time_point> fetched_at_;   ///< the last good one
  bool fetching_ = false;
};

}  // namespace postern::actors
