#include "sts/token_issuer.hpp"

#include "runtime/encoding.hpp"
#include "runtime/json_members.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>

namespace postern::sts {

namespace {

constexpr std::array<std::string_view, 4> known_scopes{"openid", "profile", "email", "groups"};

runtime::error refused(const char* cause) {
  return {runtime::error_category::unauthenticated, cause, "sts", {}};
}

}  // namespace

runtime::result<boost::json::object> token_issuer::issue(const grant& g) {
  auto access = claims_of(g, settings_.access_token_lifetime);
  access["aud"] =
      g.to.access_token_audience.empty() ? settings_.issuer : g.to.access_token_audience;
  access["client_id"] = g.to.id;
  access["scope"] = g.scope;
  access["jti"] = random_.token(16);
  auto access_token = keys_.sign(access, "at+jwt");
  if (!access_token) return access_token.error();

  boost::json::object answer;
  answer["access_token"] = *access_token;
  answer["token_type"] = "Bearer";
  answer["expires_in"] = settings_.access_token_lifetime.count();
  answer["scope"] = g.scope;
  if (!has_word(g.scope, "openid")) return answer;

  auto id = claims_of(g, settings_.id_token_lifetime);
  id["aud"] = g.to.id;
  id["azp"] = g.to.id;
  if (!g.nonce.empty()) id["nonce"] = g.nonce;
  id["sid"] = g.who.id;
  // OpenID Connect Core, 3.1.3.6: the left half of the hash that the signature's algorithm (ES256)
  // uses.
  id["at_hash"] = runtime::to_base64url(runtime::sha256(*access_token).substr(0, 16));
  auto id_token = keys_.sign(id, "JWT");
  if (!id_token) return id_token.error();
  answer["id_token"] = *id_token;
  return answer;
}

runtime::result<boost::json::object> token_issuer::read_access_token(std::string_view token) {
  auto claims = read(token, "at+jwt");
  if (!claims) return claims;
  if (runtime::text_member(*claims, "aud") != settings_.issuer) return refused("token_audience");
  const auto* expires = claims->if_contains("exp");
  const auto* issued = claims->if_contains("iat");
  if (!expires || !expires->is_int64() ||
      expires->get_int64() <= runtime::to_unix_seconds(clock_.now()))
    return refused("token_expired");
  if (!issued || !issued->is_int64() ||
      !accounts_.still_counts(runtime::text_member(*claims, "preferred_username"),
                              issued->get_int64()))
    return refused("token_revoked");
  return claims;
}

runtime::result<boost::json::object> token_issuer::read_id_token_hint(std::string_view token) {
  return read(token, "JWT");
}

boost::json::object token_issuer::claims_of(const grant& g, std::chrono::seconds lifetime) const {
  auto now = runtime::to_unix_seconds(clock_.now());
  boost::json::object claims;
  claims["iss"] = settings_.issuer;
  claims["sub"] = accounts_.subject(g.account.name);
  claims["iat"] = now;
  claims["exp"] = now + lifetime.count();
  claims["auth_time"] = g.who.auth_time;
  claims["amr"] = boost::json::array{"pwd"};
  add_profile(claims, g.account);
  return claims;
}

runtime::result<boost::json::object> token_issuer::read(std::string_view token,
                                                        std::string_view type) {
  auto header = runtime::read_jws_header(token);
  if (!header) return header.error();
  // RFC 8725, 3.11: an ID token must not pass for an access token, nor the other way round.
  if (header->type != type) return refused("token_type");
  auto claims = keys_.verify(token);
  if (!claims) return claims;
  if (runtime::text_member(*claims, "iss") != settings_.issuer) return refused("token_issuer");
  return claims;
}

std::string granted_scope(std::string_view requested) {
  std::string granted;
  for (auto scope : known_scopes) {
    if (!has_word(requested, scope)) continue;
    if (!granted.empty()) granted += ' ';
    granted += scope;
  }
  return granted;
}

bool has_word(std::string_view list, std::string_view word) noexcept {
  for (size_t at = 0; at <= list.size();) {
    auto end = std::min(list.find(' ', at), list.size());
    if (end > at && list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

void add_profile(boost::json::object& claims, const config::user& account) {
  claims["preferred_username"] = account.name;
  if (!account.display_name.empty()) claims["name"] = account.display_name;
  if (!account.email.empty()) claims["email"] = account.email;
  boost::json::array groups;
  for (const auto& group : account.groups)
    groups.emplace_back(group);
  claims["groups"] = std::move(groups);
}

}  // namespace postern::sts
