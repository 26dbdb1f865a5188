#pragma once
// Which sessions are over before their time, as session_registry and its store know it. Pure data:
// the caller commits the writes.

#include "actors/messages.hpp"
#include "config/node.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace postern::actors {

/// Kinds of the store; values are the decimal seconds since 1970 of the time named below.
inline constexpr const char* revoked_session_kind = "revoked_session";  ///< value: forget it then
inline constexpr const char* revoked_user_kind = "revoked_user";        ///< value: revoked at

/// For how long at least the revocation of a user is remembered: as long as the longest session
/// that the configuration allows, which is longer than anything else that speaks for a user: access
/// tokens, and the STS's own sessions.
inline constexpr std::chrono::seconds user_revocation_memory = config::longest_session;

/// So far the clocks of nodes may differ for a revocation at one to reach what another has issued
/// (Kerberos allows as much, RFC 4120). A bound, because a node whose calendar is wrong must not
/// keep a user out for longer.
inline constexpr std::chrono::minutes largest_clock_skew{5};

/// A difference up to this is the way from node to node and the second hand: told to the others,
/// nodes of the same time would raise a revocation by turns.
inline constexpr std::chrono::seconds clock_noise{2};

/// Since when each user has to have signed in anew, in seconds since 1970, as the store's records
/// of revoked_user_kind say. Unreadable values count as `unreadable`.
std::map<std::string, int64_t> read_revoked_users(const std::vector<runtime::stored_record>& users,
                                                  int64_t unreadable);

/// Revoked session ids, and users all of whose sessions up to a moment are revoked. A user is
/// revoked by name whatever the issuer: that is what assignments and administrators call the user.
class revocations {
 public:
  /// No session lives longer than `lifetime`: the time after which that of a session is forgotten.
  explicit revocations(std::chrono::seconds lifetime = {}) : lifetime_(lifetime) {}

  /// Takes over what the store holds, in addition to what is known. Unreadable values count as
  /// never to be forgotten, so that a damaged record errs on the safe side.
  void load(const std::vector<runtime::stored_record>& sessions,
            const std::vector<runtime::stored_record>& users);

  /// Takes over what another node has just recorded of users. What this node issued meanwhile bears
  /// the time of its own clock, which may be ahead: what is new counts up to `now`, but by
  /// largest_clock_skew beyond the record at most. Returns the writes that tell that to the others
  /// and the STS, each for the record as it was read; none within clock_noise. The same write comes
  /// again as long as what is heard lags behind.
  std::vector<runtime::store_change> hear(const std::vector<runtime::stored_record>& users,
                                          timestamp now);

  /// Revokes what is selected, in memory at once. Returns the writes that make it durable. A later
  /// time of a user stays, whichever node's clock it came from.
  std::vector<runtime::store_change> revoke(const session_selector& selected, timestamp now);

  /// Whether a session is over. Signing in again after the user's revocation is a new session.
  bool covers(const access_session& session) const;

  /// Whether an access token of the user, issued then (seconds since 1970), is over. Seconds are
  /// coarse: one of the very second of the revocation is.
  bool covers(const identity& user, int64_t issued_at) const;

  /// The erasures of what may be forgotten at `now`.
  std::vector<runtime::store_change> expired(timestamp now) const;
  /// Forgets the same once that is durable; what was revoked anew in the meantime stays.
  void forget_expired(timestamp now);

  size_t size() const noexcept { return sessions_.size() + users_.size(); }

 private:
  bool is_over(int64_t revoked_at, int64_t today) const noexcept {
    return revoked_at + std::max(lifetime_, user_revocation_memory).count() <= today;
  }

  std::chrono::seconds lifetime_;
  std::map<std::string, int64_t> sessions_;  ///< id to when to forget it
  std::map<std::string, int64_t> users_;     ///< name to when all sessions ended
};

}  // namespace postern::actors
