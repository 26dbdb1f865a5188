#include "sts/code_vault.hpp"

#include "sts/limits.hpp"

namespace postern::sts {

code_vault::code_vault(const options& settings, std::shared_ptr<const runtime::key_ring> ring,
                       const runtime::wall_clock& clock, runtime::random_source& random)
    : lifetime_(settings.code_lifetime.count()),
      ring_(std::move(ring)),
      clock_(clock),
      random_(random),
      purpose_("sts_code." + random.token(12)) {}

std::string code_vault::make(const code_content& content) const {
  fields sealed{{"id", random_.token(12)},
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

oauth_result<void> code_vault::use_up(const std::string& id, int64_t expires, int64_t now) {
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
