#include "actors/enrolment_tokens.hpp"

#include "actors/enrolment_rules.hpp"
#include "runtime/blob.hpp"
#include "runtime/encoding.hpp"

#include <algorithm>
#include <utility>

namespace postern::actors {

namespace {

using runtime::error_category;
using runtime::result;
using runtime::store_change;

constexpr size_t token_bytes = 32;
constexpr size_t largest_record = 4'096;
/// Of the hash, in the log: enough to tell tokens apart, of no use for finding one.
constexpr size_t shown_digits = 8;

result<stored_enrolment_token> read(const runtime::stored_record& record) {
  return runtime::decode_blob<stored_enrolment_token>(record.value, largest_record);
}

}  // namespace

std::string enrolment_token_key(std::string_view token) {
  const auto hash = runtime::sha256(token);
  return runtime::to_hex({reinterpret_cast<const uint8_t*>(hash.data()), hash.size()});
}

result<granted_enrolment> use_enrolment_token(const std::vector<runtime::stored_record>& records,
                                              std::string_view token, const std::string& group,
                                              timestamp now) {
  const auto key = enrolment_token_key(token);
  const auto refuse = [&](const char* cause) {
    return enrolment_error(error_category::forbidden, cause,
                           "token " + key.substr(0, shown_digits));
  };
  const auto record = std::ranges::find(records, key, &runtime::stored_record::key);
  if (record == records.end()) return refuse("enrolment_token_unknown");
  auto stored = read(*record);
  if (!stored) return refuse("enrolment_token_unknown");
  if (runtime::to_unix_seconds(now) >= stored->expires_at) return refuse("enrolment_token_expired");
  if (stored->uses_left == 0) return refuse("enrolment_token_used_up");
  if (!group.empty() && group != stored->group) return refuse("enrolment_token_group");
  --stored->uses_left;
  return granted_enrolment{.group = stored->group,
                           .by = "token " + key.substr(0, shown_digits),
                           .spend = {.kind = enrolment_token_kind,
                                     .key = key,
                                     .value = runtime::encode_blob(*stored),
                                     .expected_revision = record->revision}};
}

result<made_enrolment_token> make_enrolment_token(
    const std::vector<runtime::stored_record>& records, const enrolment_token_request& wanted,
    timestamp now, runtime::random_source& random) {
  if (wanted.uses == 0 || wanted.uses > most_token_uses ||
      wanted.lifetime < std::chrono::seconds{1} || wanted.lifetime > longest_token_lifetime)
    return enrolment_error(error_category::invalid_input, "enrolment_token_bounds",
                           "1 to 1000 uses, 1s to 31d");
  const auto today = runtime::to_unix_seconds(now);
  const auto expires_at = today + wanted.lifetime.count();
  made_enrolment_token made{.token = {.token = random.token(token_bytes),
                                      .group = wanted.group,
                                      .uses = wanted.uses,
                                      .expires = runtime::from_unix_seconds(expires_at)}};
  const stored_enrolment_token stored{wanted.group, wanted.uses, expires_at, wanted.by};
  made.writes.push_back({.kind = enrolment_token_kind,
                         .key = enrolment_token_key(made.token.token),
                         .value = runtime::encode_blob(stored),
                         .expected_revision = 0});
  const auto forget_before =
      today - std::chrono::duration_cast<std::chrono::seconds>(expired_token_memory).count();
  for (const auto& record : records) {
    const auto old = read(record);
    if (!old || old->expires_at < forget_before)
      made.writes.push_back(
          {.what = store_change::action::erase, .kind = record.kind, .key = record.key});
  }
  return made;
}

}  // namespace postern::actors
