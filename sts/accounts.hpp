#pragma once
// The users who may sign in here, and what their passwords prove. Replaced as a whole when the
// users file changes.

#include "config/users.hpp"
#include "runtime/wall_clock.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace postern::sts {

/// The accounts of this moment; safe to use from any thread.
class account_directory {
 public:
  account_directory(std::string issuer, std::vector<config::user> users);

  void replace(std::vector<config::user> users);

  /// Null for a name that nobody bears and for a disabled account.
  std::shared_ptr<const config::user> find(std::string_view name) const;

  /// The account if the password is right; null for unknown, disabled and wrong alike, after the
  /// same time. Blocks for a scrypt computation.
  std::shared_ptr<const config::user> check_password(std::string_view name,
                                                     std::string_view password) const;

  /// "sub": stable for (issuer, name), says nothing about the name (OpenID Connect Core, section
  /// 2).
  std::string subject(std::string_view name) const;

  /// Changes when the password does: a session that carries another value ends.
  static std::string credential_mark(const config::user& account);

  /// From now on nothing that was proved before `before` counts for that user.
  void require_new_sign_in(std::string_view name, runtime::timestamp before);

  /// Whether a proof of that moment (seconds since 1970) still counts for the user.
  bool still_counts(std::string_view name, int64_t proved_at) const;

 private:
  using table = std::map<std::string, config::user, std::less<>>;

  std::shared_ptr<const table> accounts() const;

  const std::string issuer_;
  mutable std::mutex mutex_;
  std::shared_ptr<const table> accounts_;
  std::map<std::string, int64_t, std::less<>> not_before_;
};

}  // namespace postern::sts
