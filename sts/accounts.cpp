#include "sts/accounts.hpp"

#include "runtime/encoding.hpp"
#include "runtime/password_hash.hpp"

#include <algorithm>

namespace postern::sts {

account_directory::account_directory(std::string issuer, std::vector<config::user> users)
    : issuer_(std::move(issuer)) {
  replace(std::move(users));
}

void account_directory::replace(std::vector<config::user> users) {
  auto fresh = std::make_shared<table>();
  for (auto& u : users) {
    auto name = u.name;
    fresh->insert_or_assign(std::move(name), std::move(u));
  }
  std::lock_guard lock{mutex_};
  accounts_ = std::move(fresh);
}

std::shared_ptr<const account_directory::table> account_directory::accounts() const {
  std::lock_guard lock{mutex_};
  return accounts_;
}

std::shared_ptr<const config::user> account_directory::find(std::string_view name) const {
  auto all = accounts();
  auto found = all->find(name);
  if (found == all->end() || found->second.disabled) return nullptr;
  return {all, &found->second};
}

std::shared_ptr<const config::user> account_directory::check_password(
    std::string_view name, std::string_view password) const {
  auto all = accounts();
  auto found = all->find(name);
  const bool known = found != all->end();
  if (known && runtime::verify_password(password, found->second.password_hash)) {
    if (found->second.disabled) return nullptr;
    return {all, &found->second};
  }
  // Nobody learns from the time which names exist.
  if (!known) runtime::waste_password_time(password);
  return nullptr;
}

std::string account_directory::subject(std::string_view name) const {
  std::string text = issuer_;
  text += '|';
  text += name;
  return runtime::to_base64url(runtime::sha256(text).substr(0, 16));
}

std::string account_directory::credential_mark(const config::user& account) {
  return runtime::to_base64url(runtime::sha256("credential|" + account.password_hash).substr(0, 9));
}

void account_directory::require_new_sign_in(std::string_view name, runtime::timestamp before) {
  std::lock_guard lock{mutex_};
  auto& at = not_before_[std::string{name}];
  at = std::max(at, runtime::to_unix_seconds(before));
}

bool account_directory::still_counts(std::string_view name, int64_t proved_at) const {
  std::lock_guard lock{mutex_};
  auto found = not_before_.find(name);
  // Seconds are coarse: a proof of the very second may stand on the wrong side, so it does not
  // count.
  return found == not_before_.end() || proved_at > found->second;
}

}  // namespace postern::sts
