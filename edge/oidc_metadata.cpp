#include "edge/oidc_metadata.hpp"

#include "runtime/encoding.hpp"
#include "runtime/https_client.hpp"
#include "runtime/json_members.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <map>

namespace postern::edge {

namespace json = boost::json;
using runtime::error_category;
using runtime::result;
using runtime::text_member;

namespace {

/// Errors of others end in our log: only so much of them.
constexpr size_t longest_quote = 200;

runtime::error malformed(std::string detail) {
  return sts_error(error_category::bad_gateway, "sts_malformed", std::move(detail));
}

result<json::object> read_object(std::string_view text) {
  json::error_code failure;
  auto value = json::parse({text.data(), text.size()}, failure);
  if (failure || !value.is_object()) return malformed("not a JSON object");
  return std::move(value.get_object());
}

bool lists(const json::object& from, std::string_view name, std::string_view wanted) {
  const auto* value = from.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_array()) return false;
  return std::ranges::any_of(value->get_array(), [&](const json::value& entry) {
    return entry.is_string() &&
           entry.get_string() == json::string_view{wanted.data(), wanted.size()};
  });
}

bool is_true(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains({name.data(), name.size()});
  return value != nullptr && value->is_bool() && value->get_bool();
}

/// A URL that browsers and we can be sent to.
bool is_endpoint(const std::string& url, bool may_be_http) {
  const auto parts = runtime::split_url(url);
  return parts && (parts->tls || may_be_http) && url.find('#') == url.npos;
}

/// Strict issuers refuse a request for a scope that they do not know (RFC 6749, 4.1.2.1), so
/// "groups", which no standard names, is asked of those only that list it.
std::string scope_for(const json::object& document) {
  if (!document.contains("scopes_supported")) return "openid profile email";
  std::string scope = "openid";
  for (const char* wanted : {"profile", "email", "groups"})
    if (lists(document, "scopes_supported", wanted)) scope.append(" ").append(wanted);
  return scope;
}

std::string with_parameters(const std::string& endpoint,
                            const std::map<std::string, std::string>& parameters) {
  return endpoint + (endpoint.find('?') == endpoint.npos ? '?' : '&') +
         runtime::make_form(parameters);
}

}  // namespace

runtime::error sts_error(error_category category, std::string cause, std::string detail) {
  return {category, std::move(cause), "sts", std::move(detail)};
}

std::string discovery_url(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string{issuer} + "/.well-known/openid-configuration";
}

result<issuer_metadata> read_metadata(std::string_view text, const std::string& issuer) {
  auto document = read_object(text);
  if (!document) return document.error();
  issuer_metadata m;
  m.issuer = text_member(*document, "issuer");
  if (m.issuer != issuer) return malformed("the document is of another issuer than " + issuer);
  const bool may_be_http = issuer.starts_with("http:");
  auto read = [&](const char* name, std::string& into) {
    into = text_member(*document, name);
    return is_endpoint(into, may_be_http);
  };
  if (!read("authorization_endpoint", m.authorization_endpoint) ||
      !read("token_endpoint", m.token_endpoint) || !read("jwks_uri", m.jwks_uri))
    return malformed("an endpoint of " + issuer + " is missing or not https");
  if (!read("end_session_endpoint", m.end_session_endpoint)) m.end_session_endpoint.clear();
  m.scope = scope_for(*document);
  m.names_itself = is_true(*document, "authorization_response_iss_parameter_supported");
  // Absent means client_secret_basic (section 3).
  m.takes_basic = !document->contains("token_endpoint_auth_methods_supported") ||
                  lists(*document, "token_endpoint_auth_methods_supported", "client_secret_basic");
  return m;
}

std::string authorization_url(const issuer_metadata& to, const authorization_request& request) {
  return with_parameters(
      to.authorization_endpoint,
      {{"response_type", "code"},
       {"client_id", request.client_id},
       {"redirect_uri", request.redirect_uri},
       {"scope", to.scope},
       {"state", request.state},
       {"nonce", request.nonce},
       {"code_challenge", runtime::to_base64url(runtime::sha256(request.code_verifier))},
       {"code_challenge_method", "S256"}});
}

std::string end_session_url(const issuer_metadata& to, const std::string& client_id,
                            const std::string& back_to) {
  if (to.end_session_endpoint.empty()) return {};
  return with_parameters(to.end_session_endpoint,
                         {{"client_id", client_id}, {"post_logout_redirect_uri", back_to}});
}

result<std::string> read_token_answer(unsigned status, std::string_view text) {
  auto answer = read_object(text);
  if (!answer) return malformed("token endpoint: status " + std::to_string(status));
  if (status == 200) {
    std::string token{text_member(*answer, "id_token")};
    if (token.empty()) return malformed("token endpoint: no id_token");
    return token;
  }
  const std::string code{text_member(*answer, "error")};
  const auto description = text_member(*answer, "error_description").substr(0, longest_quote);
  const auto detail = "token endpoint: " + code + ": " + std::string{description};
  if (code == "invalid_grant") return sts_error(error_category::forbidden, "code_refused", detail);
  if (code == "invalid_client" || code == "unauthorized_client")
    return sts_error(error_category::bad_gateway, "sts_client_refused", detail);
  return malformed(detail);
}

runtime::error read_authorization_error(std::string_view code, std::string_view description) {
  const auto detail = std::string{code.substr(0, longest_quote)} + ": " +
                      std::string{description.substr(0, longest_quote)};
  const bool failed = code == "server_error" || code == "temporarily_unavailable" ||
                      code == "invalid_request" || code == "invalid_scope" ||
                      code == "unsupported_response_type" || code == "unauthorized_client";
  return failed ? sts_error(error_category::bad_gateway, "sts_failed", detail)
                : sts_error(error_category::forbidden, "sts_denied", detail);
}

}  // namespace postern::edge
