#include "sts/userinfo_endpoint.hpp"

#include "runtime/json_members.hpp"

#include <boost/beast/core/string.hpp>

namespace postern::sts {

using runtime::http_status;

namespace {

runtime::http_response challenge(http_status status, const oauth_error& e) {
  boost::json::object content;
  std::string field = "Bearer realm=\"postern\"";
  if (!e.code.empty()) {
    field += ", error=\"" + e.code + "\", error_description=\"" + e.description + "\"";
    content["error"] = e.code;
    content["error_description"] = e.description;
  }
  auto response = json(status, content);
  response.set(runtime::http_field::www_authenticate, field);
  return response;
}

// Empty if there is none, or one of another scheme.
std::string bearer_of(const std::string& authorization) {
  constexpr size_t length = 7;
  if (authorization.size() <= length ||
      !boost::beast::iequals(authorization.substr(0, length), "bearer "))
    return {};
  return authorization.substr(length);
}

}  // namespace

runtime::http_response userinfo_endpoint::handle(const incoming& in) {
  auto token = bearer_of(in.authorization);
  const auto& posted = value_of(in.form, "access_token");
  if (!token.empty() && !posted.empty())
    return challenge(http_status::bad_request, {"invalid_request", "two access tokens"});
  if (token.empty()) token = posted;
  // RFC 6750, 3.1: who showed nothing learns only how to ask.
  if (token.empty()) return challenge(http_status::unauthorized, {});
  auto claims = services_.tokens.read_access_token(token);
  if (!claims) return challenge(http_status::unauthorized, {"invalid_token", claims.error().cause});
  auto scope = runtime::text_member(*claims, "scope");
  if (!has_word(scope, "openid"))
    return challenge(http_status::forbidden, {"insufficient_scope", "the token lacks openid"});
  auto account = services_.accounts.find(runtime::text_member(*claims, "preferred_username"));
  if (!account)
    return challenge(http_status::unauthorized,
                     {"invalid_token", "the user may no longer sign in"});

  boost::json::object all;
  add_profile(all, *account);
  boost::json::object answer;
  answer["sub"] = services_.accounts.subject(account->name);
  auto copy = [&](std::string_view name, std::string_view wanted_scope) {
    if (has_word(scope, wanted_scope) && all.contains(name)) answer[name] = all[name];
  };
  copy("preferred_username", "profile");
  copy("name", "profile");
  copy("email", "email");
  copy("groups", "groups");
  return json(http_status::ok, answer);
}

}  // namespace postern::sts
