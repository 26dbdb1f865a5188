#include "sts/single_sign_on.hpp"

#include "sts/limits.hpp"
#include "sts/responses.hpp"

namespace postern::sts {

namespace {

constexpr std::string_view cookie_name = "__Host-postern-sso";
constexpr std::string_view purpose = "sts_sso";

}  // namespace

single_sign_on::single_sign_on(const options& settings, const account_directory& accounts,
                               std::shared_ptr<const runtime::key_ring> ring,
                               const runtime::wall_clock& clock, runtime::random_source& random)
    : lifetime_(settings.single_sign_on_lifetime.count()),
      accounts_(accounts),
      ring_(std::move(ring)),
      clock_(clock),
      random_(random) {}

std::optional<session> single_sign_on::read(const incoming& in) const {
  auto now = runtime::to_unix_seconds(clock_.now());
  for (const auto& [name, value] : in.cookies) {
    if (name != cookie_name) continue;
    auto content = open_fields(*ring_, value, purpose);
    if (!content) continue;
    session s{value_of(*content, "user"), number_of(*content, "auth_time").value_or(0),
              value_of(*content, "id")};
    if (s.auth_time + lifetime_ <= now || !accounts_.still_counts(s.user, s.auth_time)) continue;
    auto account = accounts_.find(s.user);
    if (!account ||
        account_directory::credential_mark(*account) != value_of(*content, "credential"))
      continue;
    std::lock_guard lock{mutex_};
    if (!ended_ids_.contains(s.id)) return s;
  }
  return std::nullopt;
}

session single_sign_on::start(const config::user& account) const {
  return {account.name, runtime::to_unix_seconds(clock_.now()), random_.token(12)};
}

void single_sign_on::add_to(runtime::http_response& response, const session& s) const {
  auto account = accounts_.find(s.user);
  if (!account) return;
  fields content{{"user", s.user},
                 {"auth_time", std::to_string(s.auth_time)},
                 {"id", s.id},
                 {"credential", account_directory::credential_mark(*account)}};
  add_cookie(response, cookie_name, seal_fields(*ring_, content, purpose), -1);
}

void single_sign_on::clear(runtime::http_response& response) {
  add_cookie(response, cookie_name, "", 0);
}

void single_sign_on::end(const std::string& session_id) {
  std::lock_guard lock{mutex_};
  if (session_id.empty() || ended_ids_.contains(session_id)) return;
  ended_.push_back(session_id);
  ended_ids_.emplace(ended_.back(), std::prev(ended_.end()));
  if (ended_.size() <= limits::signed_out_sessions) return;
  ended_ids_.erase(ended_.front());
  ended_.pop_front();
}

}  // namespace postern::sts
