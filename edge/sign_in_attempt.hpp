#pragma once
// One attempt to sign in, from the redirect to the issuer until the browser is back: what has to be
// remembered, kept by the browser itself in a sealed cookie of its own, so that ten tabs at once do
// not disturb each other and a node that restarts forgets nobody. Pure functions; used by sign_in.

#include "config/published.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/random_source.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::edge {

/// Time to type a password and a second factor, or to find them.
inline constexpr std::chrono::minutes attempt_lifetime{10};
/// Tabs that a browser opens at once, restored after a crash; more would make its Cookie field
/// grow.
inline constexpr size_t attempts_per_browser = 12;
/// All attempt cookies of a browser together: with everything else they stay far below
/// limits::head_bytes, or the browser could not send any request any more.
inline constexpr size_t attempt_bytes = 16 * 1'024;

struct sign_in_attempt {
  std::string application;    ///< its name
  std::string state;          ///< RFC 6749, section 10.12: binds the answer to this browser
  std::string nonce;          ///< binds the token to this attempt
  std::string code_verifier;  ///< RFC 7636
  std::string target;         ///< path and query first asked for; never a whole URL
  int64_t started_at = 0;     ///< seconds since 1970

  template <class Archive>
  void serialize(Archive& ar) {
    ar(application, state, nonce, code_verifier, target, started_at);
  }
};

/// A fresh attempt with secrets of 128 bits and more.
sign_in_attempt make_attempt(const config::application& a, std::string_view target,
                             runtime::random_source& random, int64_t now);

/// The Set-Cookie value that carries it. A target that does not fit becomes the application's
/// start.
std::string make_attempt_cookie(sign_in_attempt attempt, const config::application& a,
                                const runtime::key_ring& ring);

/// The Set-Cookie value that makes the browser forget the attempt of a state.
std::string clear_attempt_cookie(const config::application& a, std::string_view state);

/// The attempt of a state among the cookies of the browser (a Cookie field). Errors, all
/// `invalid_input` of the source "sign_in": "attempt_unknown" (never begun here, finished, forged,
/// of another application), "attempt_expired".
runtime::result<sign_in_attempt> find_attempt(const config::application& a,
                                              std::string_view cookies, std::string_view state,
                                              const runtime::key_ring& ring, int64_t now);

/// The Set-Cookie values that make room for one more attempt: for those that are of no use any
/// more, then for the oldest ones.
std::vector<std::string> drop_old_attempts(const config::application& a, std::string_view cookies,
                                           const runtime::key_ring& ring, int64_t now);

/// The same for all attempts of the application.
std::vector<std::string> drop_all_attempts(const config::application& a, std::string_view cookies);

}  // namespace postern::edge
