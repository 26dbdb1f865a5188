#pragma once
// Cookie fields as text (RFC 6265): reading them, taking out what is ours, and writing Set-Cookie.
// What runs for every request allocates nothing.

#include "config/published.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::edge {

/// Name, value and attributes of one cookie together: the least that every browser keeps (RFC 6265,
/// section 6.1). Ours stay below it.
inline constexpr size_t cookie_limit = 4'096;

/// The value of the first cookie of that name within a Cookie field; empty if there is none.
std::string_view find_cookie(std::string_view header, std::string_view name) noexcept;

/// Whether a cookie is one that the service sets on the hosts of applications: sessions and sign-in
/// attempts, with any prefix. Names are compared exactly, as browsers do.
bool is_own_cookie(std::string_view name) noexcept;

/// Whether a Set-Cookie field of an origin would make a browser send a cookie with a name of ours.
/// So does one without a name, whose value spells the whole: browsers send that back as it is.
bool sets_own_cookie(std::string_view set_cookie) noexcept;

/// Appends one more Cookie field to those that were joined before it (RFC 9113, section 8.2.3).
void append_cookies(std::string& all, std::string_view header);

/// Appends all cookies of a Cookie field but ours, separated by "; "; so may be called for one
/// field after the other.
void append_foreign_cookies(std::string& out, std::string_view header);

/// Calls visit(name, value) for each cookie of a Cookie field, in its order.
template <class Visitor>
void visit_cookies(std::string_view header, Visitor&& visit) {
  while (!header.empty()) {
    const auto end = header.find(';');
    auto pair = header.substr(0, end);
    header.remove_prefix(end == header.npos ? header.size() : end + 1);
    const auto begin = pair.find_first_not_of(" \t");
    if (begin == pair.npos) continue;
    pair = pair.substr(begin, pair.find_last_not_of(" \t") - begin + 1);
    const auto equals = pair.find('=');
    const auto name = pair.substr(0, equals);
    visit(name.substr(0, name.find_last_not_of(" \t") + 1),
          equals == pair.npos ? std::string_view{} : pair.substr(equals + 1));
  }
}

/// The name of a cookie of ours: `purpose` behind the strongest prefix (RFC 6265bis, section 4.1.3)
/// that fits. "__Host-" for an application that has the host to itself, "__Secure-" with one below
/// a path, none without secure_cookie. `purpose` is "postern" and what follows it.
std::string own_cookie_name(const config::application& a, std::string_view purpose);

/// The whole value of a Set-Cookie field with the attributes that the application wants. `max_age`
/// none: until the browser closes; 0: forget the cookie. `http_only` is for cookies that no
/// setting may show to scripts.
std::string make_set_cookie(const config::application& a, std::string_view name,
                            std::string_view value, std::optional<int64_t> max_age, bool http_only);

}  // namespace postern::edge
