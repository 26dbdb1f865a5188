#include "actors/revocations.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace postern::actors {

namespace {

using runtime::store_change;

/// Far beyond every session, and far enough from overflow to add a lifetime.
constexpr int64_t never = std::numeric_limits<int64_t>::max() / 2;

int64_t read_seconds(const std::string& text, int64_t unreadable) {
  int64_t seconds = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, seconds);
  const bool sound = failed == std::errc{} && stopped == end && seconds >= 0 && seconds < never;
  return sound ? seconds : unreadable;
}

std::map<std::string, int64_t> read_times(const std::vector<runtime::stored_record>& records,
                                          int64_t unreadable) {
  std::map<std::string, int64_t> times;
  for (const auto& record : records)
    times[record.key] = read_seconds(record.value, unreadable);
  return times;
}

void take_later(std::map<std::string, int64_t>& into, const std::map<std::string, int64_t>& from) {
  for (const auto& [key, time] : from) {
    auto& seconds = into[key];
    seconds = std::max(seconds, time);
  }
}

/// A record that could not be read says nothing of when: what comes after it does.
void forget_damaged(int64_t& revoked_at) {
  if (revoked_at == never) revoked_at = 0;
}

}  // namespace

std::map<std::string, int64_t> read_revoked_users(const std::vector<runtime::stored_record>& users,
                                                  int64_t unreadable) {
  return read_times(users, unreadable);
}

void revocations::load(const std::vector<runtime::stored_record>& sessions,
                       const std::vector<runtime::stored_record>& users) {
  take_later(sessions_, read_times(sessions, never));
  take_later(users_, read_revoked_users(users, never));
}

std::vector<store_change> revocations::hear(const std::vector<runtime::stored_record>& users,
                                            timestamp now) {
  const auto today = runtime::to_unix_seconds(now);
  std::vector<store_change> writes;
  for (const auto& record : users) {
    const auto at = read_seconds(record.value, never);
    auto& known = users_[record.key];
    forget_damaged(known);
    if (at > known)
      known = std::max(at, std::min(today, at + std::chrono::seconds{largest_clock_skew}.count()));
    if (known - at <= clock_noise.count()) continue;
    writes.push_back({.kind = revoked_user_kind,
                      .key = record.key,
                      .value = std::to_string(known),
                      .expected_revision = record.revision});
  }
  return writes;
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
    auto& at = users_[selected.user];
    forget_damaged(at);
    at = std::max(at, today);
    writes.push_back(
        {.kind = revoked_user_kind, .key = selected.user, .value = std::to_string(at)});
  }
  return writes;
}

bool revocations::covers(const access_session& session) const {
  return sessions_.contains(session.id) || covers(session.user, session.issued_at);
}

bool revocations::covers(const identity& user, int64_t issued_at) const {
  const auto found = users_.find(user.name);
  return found != users_.end() && issued_at <= found->second;
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
