#include "actors/revocations.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace postern::actors {

namespace {

using runtime::store_change;

/// Far beyond every session, and far enough from overflow to add a lifetime.
constexpr int64_t never = std::numeric_limits<int64_t>::max() / 2;

int64_t read_seconds(const std::string& text) {
  int64_t seconds = never;
  const auto* end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, seconds);
  return failed == std::errc{} && stopped == end ? seconds : never;
}

void take_later(std::map<std::string, int64_t>& into,
                const std::vector<runtime::stored_record>& records) {
  for (const auto& record : records) {
    auto& seconds = into[record.key];
    seconds = std::max(seconds, read_seconds(record.value));
  }
}

}  // namespace

void revocations::load(const std::vector<runtime::stored_record>& sessions,
                       const std::vector<runtime::stored_record>& users) {
  take_later(sessions_, sessions);
  take_later(users_, users);
}

std::vector<store_change> revocations::revoke(const session_selector& selected, timestamp now) {
  const auto today = runtime::to_unix_seconds(now);
  std::vector<store_change> writes;
  if (!selected.id.empty()) {
    const auto until = sessions_[selected.id] = today + lifetime_.count();
    writes.push_back(
        {.kind = revoked_session_kind, .key = selected.id, .value = std::to_string(until)});
  }
  if (!selected.user.empty()) {
    users_[selected.user] = today;
    writes.push_back(
        {.kind = revoked_user_kind, .key = selected.user, .value = std::to_string(today)});
  }
  return writes;
}

bool revocations::covers(const access_session& session) const {
  if (sessions_.contains(session.id)) return true;
  const auto user = users_.find(session.user.name);
  return user != users_.end() && session.issued_at <= user->second;
}

std::vector<store_change> revocations::expired(timestamp now) const {
  const auto today = runtime::to_unix_seconds(now);
  std::vector<store_change> erasures;
  for (const auto& [id, until] : sessions_)
    if (until <= today)
      erasures.push_back(
          {.what = store_change::action::erase, .kind = revoked_session_kind, .key = id});
  for (const auto& [user, at] : users_)
    if (is_over(at, today))
      erasures.push_back(
          {.what = store_change::action::erase, .kind = revoked_user_kind, .key = user});
  return erasures;
}

void revocations::forget_expired(timestamp now) {
  const auto today = runtime::to_unix_seconds(now);
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second <= today; });
  std::erase_if(users_, [&](const auto& entry) { return is_over(entry.second, today); });
}

}  // namespace postern::actors
