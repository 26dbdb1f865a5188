#pragma once
// The actor that says whether a token holds. Who uses it: sign-in for ID tokens, the admin API and
// enrolment for access tokens.

#include "actors/contracts.hpp"
#include "actors/issuer_keys.hpp"
#include "actors/token_rules.hpp"

#include <caf/typed_response_promise.hpp>

#include <map>
#include <vector>

namespace postern::actors {

/// Verifications that may wait for one issuer's keys; more are refused with "sts_busy".
inline constexpr size_t verifications_waiting_limit = 1'024;
/// How often used nonces are looked through for expired ones.
inline constexpr std::chrono::minutes nonce_sweep_interval{5};

/// The keys of every issuer that was asked for, and the nonces that have been used.
class token_verifier_state {
 public:
  static constexpr const char* name = "token_verifier";

  /// Declared, because CAF would pass `self` to the first member of an aggregate.
  token_verifier_state() = default;
  struct waiting_token {
    token_expectation wanted;
    caf::typed_response_promise<verified_token> answer;
  };
  struct issuer {
    issuer_keys keys;
    std::vector<waiting_token> waiting;  ///< for the fetch under way
  };

  /// Everything but the fetching of keys: signature, claims, then the nonce, which is used up only
  /// by a token that holds in every other respect.
  runtime::result<verified_token> verify(const issuer_keys& keys, const token_expectation& wanted);

  key_source_actor source;
  const runtime::wall_clock* clock = nullptr;
  std::chrono::seconds leeway{0};
  std::map<std::string, issuer> issuers;  ///< as many as applications name: the callers are ours
  nonce_memory nonces;
};

/// Verifies with keys that `source` fetches: when a token names an unknown key, at most once per
/// key_fetch_interval and issuer, and all who need them wait for the same fetch. `leeway` is for
/// clocks that differ. `clock` must outlive the actor. Errors have the source "token" (the check
/// that failed is the cause) or "sts" ("sts_unreachable", "sts_busy").
token_verifier_actor::behavior_type token_verifier(
    token_verifier_actor::stateful_pointer<token_verifier_state> self, key_source_actor source,
    const runtime::wall_clock* clock, std::chrono::seconds leeway);

}  // namespace postern::actors
