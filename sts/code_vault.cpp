#include "sts/code_vault.hpp"

#include "sts/limits.hpp"

#include <charconv>

namespace postern::sts {

namespace {

constexpr const char* used_kind = "sts_used_code";
constexpr int64_t sweep_interval = 600;

}  // namespace

code_vault::code_vault(const options& settings, std::shared_ptr<const runtime::key_ring> ring,
                       const runtime::wall_clock& clock, runtime::random_source& random,
                       runtime::store* shared)
    : lifetime_(settings.code_lifetime.count()),
      ring_(std::move(ring)),
      clock_(clock),
      random_(random),
      shared_(shared),
      own_(random.token(12)),
      purpose_(shared != nullptr ? "sts_code" : "sts_code." + own_) {}

std::string code_vault::make(const code_content& content) const {
  fields sealed{{"id", own_ + "." + random_.token(12)},
                {"expires", std::to_string(runtime::to_unix_seconds(clock_.now()) + lifetime_)},
                {"client_id", content.client_id},
                {"redirect_uri", content.redirect_uri},
                {"scope", content.scope},
                {"nonce", content.nonce},
                {"code_challenge", content.code_challenge},
                {"user", content.who.user},
                {"auth_time", std::to_string(content.who.auth_time)},
                {"sid", content.who.id}};
  return seal_fields(*ring_, sealed, purpose_);
}

oauth_result<code_content> code_vault::redeem(std::string_view code) {
  auto sealed = open_fields(*ring_, code, purpose_);
  if (!sealed) return oauth_error{"invalid_grant", "the code is not one of ours"};
  auto now = runtime::to_unix_seconds(clock_.now());
  auto expires = number_of(*sealed, "expires").value_or(0);
  if (expires <= now) return oauth_error{"invalid_grant", "the code has expired"};
  if (auto used = use_up(value_of(*sealed, "id"), expires, now); !used) return used.error();
  code_content content;
  content.client_id = value_of(*sealed, "client_id");
  content.redirect_uri = value_of(*sealed, "redirect_uri");
  content.scope = value_of(*sealed, "scope");
  content.nonce = value_of(*sealed, "nonce");
  content.code_challenge = value_of(*sealed, "code_challenge");
  content.who = {value_of(*sealed, "user"), number_of(*sealed, "auth_time").value_or(0),
                 value_of(*sealed, "sid")};
  return content;
}

std::optional<bool> code_vault::use_up_everywhere(const std::string& id, int64_t expires,
                                                  int64_t now) {
  forget_expired(now);
  const auto stored = shared_->commit(
      {{.kind = used_kind, .key = id, .value = std::to_string(expires), .expected_revision = 0}});
  if (stored) return true;
  if (stored.error().category == runtime::error_category::conflict) return false;
  return std::nullopt;
}

void code_vault::forget_expired(int64_t now) {
  {
    std::lock_guard lock{mutex_};
    if (now < next_sweep_) return;
    next_sweep_ = now + sweep_interval;
  }
  const auto records = shared_->load(used_kind);
  if (!records) return;
  std::vector<runtime::store_change> old;
  for (const auto& record : *records) {
    int64_t expires = 0;
    std::from_chars(record.value.data(), record.value.data() + record.value.size(), expires);
    if (expires <= now)
      old.push_back({runtime::store_change::action::erase, used_kind, record.key, {}, {}});
  }
  // What stays is swept the next time.
  if (!old.empty()) static_cast<void>(shared_->commit(old));
}

oauth_result<void> code_vault::use_up(const std::string& id, int64_t expires, int64_t now) {
  if (shared_ != nullptr) {
    const auto used = use_up_everywhere(id, expires, now);
    if (used && !*used) return oauth_error{"invalid_grant", std::string{code_replayed}};
    if (!used && !id.starts_with(own_ + "."))
      return oauth_error{"temporarily_unavailable", "whether the code was used is not known"};
  }
  std::lock_guard lock{mutex_};
  if (used_.contains(id)) return oauth_error{"invalid_grant", std::string{code_replayed}};
  if (used_.size() >= limits::used_codes)
    std::erase_if(used_, [&](const auto& entry) { return entry.second <= now; });
  // Forgetting one that is still good would let it be replayed; refusing only costs a retry.
  if (used_.size() >= limits::used_codes)
    return oauth_error{"temporarily_unavailable", "too many codes at once"};
  used_.emplace(id, expires);
  return {};
}

}  // namespace postern::sts
