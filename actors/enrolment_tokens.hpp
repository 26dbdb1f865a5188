#pragma once
// One-time enrolment tokens as they are stored, and the rules of using one. Who uses it:
// certificate_authority. A token lets a machine enrol that nobody is signed in at.

#include "actors/messages.hpp"
#include "runtime/random_source.hpp"

#include <string>
#include <vector>

namespace postern::actors {

/// The kind of the store; the key is the token's SHA-256 in hexadecimal, so that whoever reads the
/// store cannot enrol.
inline constexpr const char* enrolment_token_kind = "enrolment_token";
/// Bounds of what an administrator may ask for: a fleet's worth of uses, a month of validity.
inline constexpr uint32_t most_token_uses = 1'000;
inline constexpr std::chrono::hours longest_token_lifetime{24 * 31};
/// An expired token is kept so long, so that its use can be told from that of an invented one.
inline constexpr std::chrono::hours expired_token_memory{24 * 7};

/// The value of a record.
struct stored_enrolment_token {
  std::string group;
  uint32_t uses_left = 0;
  int64_t expires_at = 0;  ///< seconds since 1970
  std::string issued_by;

  template <class Archive>
  void serialize(Archive& ar) {
    ar(group, uses_left, expires_at, issued_by);
  }
};

/// A token whose use has been granted, and the write that uses it up.
struct granted_enrolment {
  std::string group;
  std::string by;  ///< "token" and the beginning of its hash, for the record and the log
  runtime::store_change spend;  ///< fails with `conflict` if somebody else used the token meanwhile
};

/// A token that was made, and the writes that make it valid: its record, and the erasure of those
/// that expired long ago.
struct made_enrolment_token {
  enrolment_token token;
  std::vector<runtime::store_change> writes;
};

/// The record's key of a token.
std::string enrolment_token_key(std::string_view token);

/// Checks count, time and group of a token against the records of its kind. An empty `group` takes
/// the token's. Errors, all `forbidden`: "enrolment_token_unknown", "enrolment_token_expired",
/// "enrolment_token_used_up", "enrolment_token_group".
runtime::result<granted_enrolment> use_enrolment_token(
    const std::vector<runtime::stored_record>& records, std::string_view token,
    const std::string& group, timestamp now);

/// Makes a token of 256 bits. Error: `invalid_input`, "enrolment_token_bounds".
runtime::result<made_enrolment_token> make_enrolment_token(
    const std::vector<runtime::stored_record>& records, const enrolment_token_request& wanted,
    timestamp now, runtime::random_source& random);

}  // namespace postern::actors
