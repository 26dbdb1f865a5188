#include "sts/token_endpoint.hpp"

#include "runtime/encoding.hpp"
#include "sts/client_authentication.hpp"

#include <algorithm>

namespace postern::sts {

namespace {

constexpr std::string_view device_grant_type = "urn:ietf:params:oauth:grant-type:device_code";

oauth_error check_against(const code_content& code, const incoming& in, const client& from) {
  if (code.client_id != from.id) return {"invalid_grant", "the code is another client's"};
  if (code.redirect_uri != value_of(in.form, "redirect_uri"))
    return {"invalid_grant", "redirect_uri is not the one of the authorization request"};
  const auto& verifier = value_of(in.form, "code_verifier");
  // A verifier without a challenge is an attempt to get around PKCE (RFC 9700, 4.8.2).
  if (code.code_challenge.empty())
    return verifier.empty() ? oauth_error{}
                            : oauth_error{"invalid_grant", "the code has no code_challenge"};
  if (!verifies_challenge(verifier, code.code_challenge))
    return {"invalid_grant", "code_verifier does not fit the code_challenge"};
  return {};
}

}  // namespace

runtime::http_response token_endpoint::handle(const incoming& in) {
  auto from = authenticate_client(services_, in);
  if (!from) return oauth_failure(from.error());
  const auto& type = value_of(in.form, "grant_type");
  if (type.empty()) return oauth_failure({"invalid_request", "grant_type is missing"});
  if (type == "authorization_code") return redeem_code(in, **from);
  if (type == device_grant_type) return poll_device(in, **from);
  return oauth_failure({"unsupported_grant_type", "only authorization_code and device_code"});
}

runtime::http_response token_endpoint::redeem_code(const incoming& in, const client& from) {
  const auto& text = value_of(in.form, "code");
  if (text.empty()) return oauth_failure({"invalid_request", "code is missing"});
  auto code = services_.codes.redeem(text);
  if (!code) {
    if (code.error().description == code_replayed)
      services_.report("code_replayed", in, {}, from.id);
    return oauth_failure(code.error());
  }
  auto wrong = check_against(*code, in, from);
  if (!wrong.code.empty()) return oauth_failure(wrong);
  return issue(from, code->scope, code->nonce, code->who);
}

runtime::http_response token_endpoint::poll_device(const incoming& in, const client& from) {
  if (!from.device_grant)
    return oauth_failure({"unauthorized_client", "this client has no device grant"});
  const auto& text = value_of(in.form, "device_code");
  if (text.empty()) return oauth_failure({"invalid_request", "device_code is missing"});
  auto allowed = services_.devices.poll(text, from.id);
  if (!allowed) return oauth_failure(allowed.error());
  return issue(from, allowed->scope, {}, allowed->who);
}

runtime::http_response token_endpoint::issue(const client& to, const std::string& scope,
                                             const std::string& nonce, const session& who) {
  auto account = services_.accounts.find(who.user);
  if (!account || !services_.accounts.still_counts(who.user, who.auth_time))
    return oauth_failure({"invalid_grant", "the user may no longer sign in"});
  auto tokens = services_.tokens.issue({*account, to, scope, nonce, who});
  if (!tokens) return oauth_failure({"server_error", "no token could be signed"});
  return json(runtime::http_status::ok, *tokens);
}

bool verifies_challenge(std::string_view verifier, std::string_view challenge) {
  auto unreserved = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
  };
  // RFC 7636, 4.1
  if (verifier.size() < 43 || verifier.size() > 128 ||
      !std::all_of(verifier.begin(), verifier.end(), unreserved))
    return false;
  return runtime::equal_in_constant_time(runtime::to_base64url(runtime::sha256(verifier)),
                                         challenge);
}

}  // namespace postern::sts
