#include "actors/token_rules.hpp"

#include "runtime/encoding.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace postern::actors {

namespace {

namespace json = boost::json;
using runtime::result;

/// RFC 8725, section 3.1: an allow-list. Nothing symmetric, and never "none".
constexpr std::array<std::string_view, 3> algorithms{"RS256", "PS256", "ES256"};
constexpr std::string_view access_token_type = "at+jwt";
/// OpenID Connect Core, section 2: at most 255 ASCII characters. Applies to names alike.
constexpr size_t longest_name = 255;
/// Groups beyond this would not fit the cookie either.
constexpr size_t most_groups = 1'000;

/// Lower case, without the "application/" that RFC 7515, section 4.1.9, lets senders leave out.
std::string media_type(std::string type) {
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  constexpr std::string_view prefix = "application/";
  if (type.starts_with(prefix)) type.erase(0, prefix.size());
  return type;
}

/// Claims end in headers and logs: a control character has no business there.
bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// The claim's text; empty if absent, not a text, or not plain.
std::string text_claim(const json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(name);
  if (value == nullptr || !value->is_string() || !is_plain(value->get_string())) return {};
  return std::string{value->get_string()};
}

/// A NumericDate (RFC 7519, section 2) in whole seconds.
std::optional<int64_t> numeric_date(const json::value& value) {
  // The year 2255: a timestamp of nanoseconds overflows a little later.
  constexpr double last = 9'000'000'000;
  double seconds = -1;
  if (value.is_int64()) seconds = static_cast<double>(value.get_int64());
  if (value.is_uint64()) seconds = static_cast<double>(value.get_uint64());
  if (value.is_double()) seconds = value.get_double();
  if (!(seconds >= 0)) return {};
  return static_cast<int64_t>(std::min(seconds, last));
}

/// A date that must be there.
result<int64_t> required_date(const json::object& claims, std::string_view name) {
  const auto* value = claims.if_contains(name);
  const auto date = value ? numeric_date(*value) : std::nullopt;
  if (!date) return token_error("token_malformed", std::string{name} + " is missing or no date");
  return *date;
}

/// The values of "aud", a text or a list of texts; none if it is anything else.
std::optional<std::vector<std::string_view>> audiences(const json::object& claims) {
  const auto* aud = claims.if_contains("aud");
  if (aud == nullptr) return {};
  std::vector<std::string_view> out;
  if (aud->is_string()) {
    out.emplace_back(aud->get_string());
    return out;
  }
  if (!aud->is_array()) return {};
  for (const auto& entry : aud->get_array()) {
    if (!entry.is_string()) return {};
    out.emplace_back(entry.get_string());
  }
  return out;
}

result<void> check_audience(const json::object& claims, const token_expectation& wanted) {
  const auto found = audiences(claims);
  if (!found) return token_error("token_audience", "aud is missing or malformed");
  if (wanted.audience.empty() || std::ranges::find(*found, wanted.audience) == found->end())
    return token_error("token_audience", "made for another audience");
  if (wanted.required_type == access_token_type) return {};  // azp belongs to ID tokens
  const auto* azp = claims.if_contains("azp");
  if (azp == nullptr && found->size() == 1) return {};
  if (azp == nullptr || !azp->is_string() || azp->get_string() != wanted.audience)
    return token_error("token_audience", "issued to another party");
  return {};
}

result<void> check_window(const json::object& claims, int64_t issued_at, int64_t expires_at,
                          timestamp now, std::chrono::seconds leeway) {
  const auto today = runtime::to_unix_seconds(now);
  if (today >= expires_at + leeway.count())
    return token_error("token_expired", "expired at " + std::to_string(expires_at));
  if (issued_at > today + leeway.count())
    return token_error("token_not_yet_valid", "issued at " + std::to_string(issued_at));
  if (!claims.contains("nbf")) return {};
  const auto not_before = required_date(claims, "nbf");
  if (!not_before) return not_before.error();
  if (*not_before > today + leeway.count())
    return token_error("token_not_yet_valid", "not before " + std::to_string(*not_before));
  return {};
}

result<void> check_nonce(const json::object& claims, const std::string& wanted) {
  if (wanted.empty()) return {};
  const auto* nonce = claims.if_contains("nonce");
  if (nonce == nullptr || !nonce->is_string() ||
      !runtime::equal_in_constant_time(
          std::string_view{nonce->get_string().data(), nonce->get_string().size()}, wanted))
    return token_error("token_nonce", "nonce is missing or another one");
  return {};
}

std::vector<std::string> read_groups(const json::object& claims) {
  std::vector<std::string> out;
  const auto* groups = claims.if_contains("groups");
  if (groups == nullptr || !groups->is_array()) return out;
  for (const auto& group : groups->get_array()) {
    if (out.size() >= most_groups) break;
    if (group.is_string() && is_plain(group.get_string())) out.emplace_back(group.get_string());
  }
  return out;
}

result<identity> read_identity(const json::object& claims, const std::string& issuer) {
  identity user{.issuer = issuer, .subject = text_claim(claims, "sub")};
  if (user.subject.empty() || user.subject.size() > longest_name)
    return token_error("token_malformed", "sub is missing or unusable");
  user.name = text_claim(claims, "preferred_username");
  if (user.name.empty()) user.name = user.subject;
  if (user.name.size() > longest_name)
    return token_error("token_malformed", "preferred_username is too long");
  user.display_name = text_claim(claims, "name");
  user.email = text_claim(claims, "email");
  user.groups = read_groups(claims);
  return user;
}

}  // namespace

runtime::error token_error(std::string cause, std::string detail) {
  return {runtime::error_category::unauthenticated, std::move(cause), "token", std::move(detail)};
}

result<void> check_header(const runtime::jws_header& header, const std::string& required_type) {
  const auto type = media_type(header.type);
  const bool fits = required_type.empty() ? type != access_token_type : type == required_type;
  if (!fits) return token_error("token_malformed", "a token of another type");
  if (std::ranges::find(algorithms, header.algorithm) == algorithms.end())
    return token_error("token_algorithm", "an algorithm that is not allowed");
  return {};
}

result<verified_token> check_claims(const json::object& claims, const token_expectation& wanted,
                                    timestamp now, std::chrono::seconds leeway) {
  const auto* issuer = claims.if_contains("iss");
  if (issuer == nullptr || !issuer->is_string() || wanted.issuer.empty() ||
      issuer->get_string() != wanted.issuer)
    return token_error("token_issuer", "issued by somebody else");
  if (auto fits = check_audience(claims, wanted); !fits) return fits.error();
  const auto expires_at = required_date(claims, "exp");
  if (!expires_at) return expires_at.error();
  const auto issued_at = required_date(claims, "iat");
  if (!issued_at) return issued_at.error();
  if (auto fits = check_window(claims, *issued_at, *expires_at, now, leeway); !fits)
    return fits.error();
  if (auto fits = check_nonce(claims, wanted.nonce); !fits) return fits.error();
  auto user = read_identity(claims, wanted.issuer);
  if (!user) return user.error();
  const auto* auth_time = claims.if_contains("auth_time");
  const auto authenticated_at = auth_time ? numeric_date(*auth_time) : std::nullopt;
  return verified_token{std::move(*user), *issued_at, *expires_at,
                        authenticated_at.value_or(*issued_at)};
}

bool nonce_memory::accept(std::string_view nonce, timestamp until) {
  const auto [place, fresh] = until_.try_emplace(runtime::sha256(nonce), until);
  if (!fresh) return false;
  by_time_.emplace(until, place->first);
  if (until_.size() > limit) erase_first();
  return true;
}

void nonce_memory::forget(timestamp now) {
  while (!by_time_.empty() && by_time_.begin()->first <= now)
    erase_first();
}

void nonce_memory::erase_first() {
  const auto first = by_time_.begin();
  const auto place = until_.find(first->second);
  by_time_.erase(first);  // before the key that it looks at
  until_.erase(place);
}

}  // namespace postern::actors
