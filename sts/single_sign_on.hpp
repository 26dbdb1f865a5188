#pragma once
// Who is signed in at the provider: one sealed cookie, "__Host-postern-sso", that outlives a
// restart.

#include "runtime/random_source.hpp"
#include "runtime/wall_clock.hpp"
#include "sts/accounts.hpp"
#include "sts/options.hpp"
#include "sts/sealed_fields.hpp"

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postern::sts {

/// One sign-in with a password.
struct session {
  std::string user;
  int64_t auth_time = 0;  ///< unix seconds: when the password was typed
  std::string id;         ///< "sid"; another one for each sign-in

  bool operator==(const session&) const = default;
};

/// Reads and makes the cookie. A session ends with its lifetime, with the account (removed,
/// disabled, other password), with account_directory::require_new_sign_in, or with end(). Safe to
/// use from any thread.
class single_sign_on {
 public:
  single_sign_on(const options& settings, const account_directory& accounts,
                 std::shared_ptr<const runtime::key_ring> ring, const runtime::wall_clock& clock,
                 runtime::random_source& random);

  /// The session of the browser, if it has one that still holds.
  std::optional<session> read(const incoming& in) const;

  /// A fresh session for an account whose password was just checked.
  session start(const config::user& account) const;

  /// Sets the cookie of that session. It has no Max-Age: it ends with the browser, or earlier with
  /// its lifetime.
  void add_to(runtime::http_response& response, const session& s) const;

  /// Clears the cookie.
  static void clear(runtime::http_response& response);

  /// A copy of the cookie counts no longer. Kept in memory, bounded: after a restart a copied
  /// cookie lasts to its lifetime.
  void end(const std::string& session_id);

 private:
  const int64_t lifetime_;
  const account_directory& accounts_;
  const std::shared_ptr<const runtime::key_ring> ring_;
  const runtime::wall_clock& clock_;
  runtime::random_source& random_;
  mutable std::mutex mutex_;
  std::list<std::string> ended_;  ///< oldest first
  std::unordered_map<std::string_view, std::list<std::string>::iterator> ended_ids_;
};

}  // namespace postern::sts
