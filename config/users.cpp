#include "config/users.hpp"

#include "config/toml_reader.hpp"
#include "config/url.hpp"
#include "config/wording.hpp"

#include <algorithm>
#include <set>

namespace postern::config {

namespace {

constexpr size_t longest_name = 64;
constexpr size_t longest_text = 256;

bool is_user_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '@' || c == '-';
         });
}

bool is_short_text(std::string_view text) {
  return text.size() <= longest_text && std::all_of(text.begin(), text.end(), [](char c) {
           auto byte = static_cast<unsigned char>(c);
           return byte >= 0x20 && byte != 0x7f;
         });
}

/// The outer form of "$scrypt$ln=15,r=8,p=1$salt$hash"; the numbers are runtime::verify_password's
/// business.
bool is_password_hash(std::string_view text) {
  return text.starts_with("$scrypt$ln=") && std::count(text.begin(), text.end(), '$') == 4 &&
         !text.ends_with('$') && is_short_text(text);
}

void check(const toml_section& s, const user& u) {
  if (!is_user_name(u.name))
    return s.fail("name", expected("1 to 64 characters of a-z, A-Z, 0-9, . _ @ and -", u.name));
  if (!is_short_text(u.display_name)) {
    return s.fail("display_name",
                  expected("at most 256 characters without control characters", u.display_name));
  }
  if (!u.email.empty() && (!is_short_text(u.email) || u.email.find('@') == u.email.npos)) {
    return s.fail("email", expected("an address such as name@example.com", u.email));
  }
  for (const auto& g : u.groups) {
    if (g.empty() || !is_short_text(g)) return s.fail("groups", expected("names of groups", g));
  }
  // Whoever typed the password itself here must not find it in a log.
  if (!is_password_hash(u.password_hash)) {
    return s.fail("password_hash",
                  "expected a hash that `postern hash-password` printed, found something else");
  }
}

user read_user(toml_section& s) {
  user u;
  s.read("name", u.name);
  s.read("display_name", u.display_name);
  s.read("email", u.email);
  s.read("groups", u.groups);
  s.read("password_hash", u.password_hash);
  s.read("disabled", u.disabled);
  s.finish();
  if (!s.failed()) check(s, u);
  return u;
}

}  // namespace

result<std::vector<user>> load_users(const std::string& path) {
  return load_with(path, parse_users);
}

result<std::vector<user>> parse_users(std::string_view text, const std::string& file) {
  toml_document document{text, file};
  auto root = document.root();
  auto sections = root.sections("user");
  root.finish();
  std::vector<user> users;
  // "Alice" and "alice" as two people would be a trap at sign-in and in assignments.
  std::set<std::string> names;
  for (auto& s : sections) {
    users.push_back(read_user(s));
    if (!s.failed() && !names.insert(lower_case(users.back().name)).second) {
      s.fail("name", "expected a unique name, found a second user " + quote(users.back().name));
    }
  }
  if (document.failure()) return *document.failure();
  return users;
}

}  // namespace postern::config
