#pragma once
// The users of the built-in STS; `postern hash-password` makes the hashes, config/users.toml is a
// commented sample.

#include "config/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace postern::config {

struct user {
  std::string name;  ///< what is typed at sign-in: [A-Za-z0-9._@-]{1,64}, unique
  std::string display_name;
  std::string email;
  std::vector<std::string> groups;
  std::string password_hash;  ///< "$scrypt$..."
  bool disabled = false;
};

/// Reads [[user]] tables.
result<std::vector<user>> load_users(const std::string& path);
result<std::vector<user>> parse_users(std::string_view text, const std::string& file);

}  // namespace postern::config
