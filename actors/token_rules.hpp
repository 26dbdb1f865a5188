#pragma once
// What a token must say, apart from its signature: pure functions of claims, expectation and time.
// Who uses it: token_verifier. The order of the checks is fixed, so that one token always fails
// with the same cause (OpenID Connect Core, 3.1.3.7; RFC 7519, section 4.1; RFC 8725; RFC 9068,
// section 4).

#include "actors/messages.hpp"
#include "runtime/jose.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace postern::actors {

/// An `unauthenticated` error of the source "token".
runtime::error token_error(std::string cause, std::string detail);

/// Checks what may be checked before any key is asked for: type, then algorithm. A token that asks
/// for no access token must not be one. Errors: "token_malformed", "token_algorithm".
runtime::result<void> check_header(const runtime::jws_header& header,
                                   const std::string& required_type);

/// Checks issuer, audience, time window and nonce, in this order, and reads the user. `leeway` is
/// granted in both directions. Errors: "token_issuer", "token_audience", "token_expired",
/// "token_not_yet_valid", "token_nonce", or "token_malformed" for a claim that is missing or of the
/// wrong type.
runtime::result<verified_token> check_claims(const boost::json::object& claims,
                                             const token_expectation& wanted, timestamp now,
                                             std::chrono::seconds leeway);

/// Which nonces have been used. One is remembered until its token has expired, leeway included.
class nonce_memory {
 public:
  /// Bounds memory to some 30 MiB. Beyond it the one that expires first is forgotten: the nonce is
  /// also bound to its sign-in attempt, and refusing everybody would be the greater harm.
  static constexpr size_t limit = 262'144;

  /// Whether the nonce is used for the first time. Remembers it until `until`.
  bool accept(std::string_view nonce, timestamp until);

  /// Forgets what has expired.
  void forget(timestamp now);

  size_t size() const noexcept { return until_.size(); }

 private:
  void erase_first();

  std::map<std::string, timestamp, std::less<>> until_;       ///< by hash of the nonce
  std::set<std::pair<timestamp, std::string_view>> by_time_;  ///< views of the keys of until_
};

}  // namespace postern::actors
