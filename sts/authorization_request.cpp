#include "sts/authorization_request.hpp"

#include "sts/limits.hpp"
#include "sts/sealed_fields.hpp"
#include "sts/token_issuer.hpp"

#include <algorithm>

namespace postern::sts {

namespace {

// Base64url of 32 bytes (RFC 7636, 4.2).
bool is_challenge(const std::string& text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return text.size() == 43 && std::all_of(text.begin(), text.end(), allowed);
}

oauth_result<void> read_challenge(const fields& parameters, const client& from,
                                  authorization_request& into) {
  into.code_challenge = value_of(parameters, "code_challenge");
  if (into.code_challenge.empty()) {
    if (from.is_public())
      return oauth_error{"invalid_request", "code_challenge is required (RFC 7636)"};
    if (value_of(parameters, "code_challenge_method").empty()) return {};
    return oauth_error{"invalid_request", "code_challenge is missing"};
  }
  if (value_of(parameters, "code_challenge_method") != "S256")
    return oauth_error{"invalid_request", "code_challenge_method must be S256"};
  if (!is_challenge(into.code_challenge))
    return oauth_error{"invalid_request", "code_challenge is not the base64url form of a SHA-256"};
  return {};
}

oauth_result<void> read_prompt(const fields& parameters, authorization_request& into) {
  const auto& prompt = value_of(parameters, "prompt");
  into.prompt_none = has_word(prompt, "none");
  // Choosing an account means typing another name, and there is nothing to consent to beyond the
  // administrator's word.
  into.prompt_login = has_word(prompt, "login") || has_word(prompt, "select_account");
  if (into.prompt_none && prompt != "none")
    return oauth_error{"invalid_request", "prompt=none goes with no other value"};
  if (!prompt.empty() && !into.prompt_none && !into.prompt_login && !has_word(prompt, "consent"))
    return oauth_error{"invalid_request", "unknown prompt"};
  if (value_of(parameters, "max_age").empty()) return {};
  into.max_age = number_of(parameters, "max_age");
  if (!into.max_age || *into.max_age < 0)
    return oauth_error{"invalid_request", "max_age is not a number of seconds"};
  return {};
}

oauth_result<void> refuse_unsupported(const fields& parameters) {
  if (!value_of(parameters, "request").empty()) return oauth_error{"request_not_supported", ""};
  if (!value_of(parameters, "request_uri").empty())
    return oauth_error{"request_uri_not_supported", ""};
  if (!value_of(parameters, "registration").empty())
    return oauth_error{"registration_not_supported", ""};
  const auto& type = value_of(parameters, "response_type");
  if (type.empty()) return oauth_error{"invalid_request", "response_type is missing"};
  if (type != "code") return oauth_error{"unsupported_response_type", "only code is supported"};
  const auto& mode = value_of(parameters, "response_mode");
  if (!mode.empty() && mode != "query")
    return oauth_error{"invalid_request", "only the response_mode query is supported"};
  return {};
}

}  // namespace

oauth_result<return_address> find_return_address(const fields& parameters,
                                                 const client_directory& clients) {
  return_address address;
  address.to = clients.find(value_of(parameters, "client_id"));
  if (!address.to) return oauth_error{"unknown_client", ""};
  address.redirect_uri = value_of(parameters, "redirect_uri");
  const auto& registered = address.to->redirect_uris;
  if (std::find(registered.begin(), registered.end(), address.redirect_uri) == registered.end())
    return oauth_error{"unknown_redirect_uri", ""};
  address.state = value_of(parameters, "state");
  if (address.state.size() > limits::echoed_value) return oauth_error{"value_too_long", ""};
  return address;
}

oauth_result<authorization_request> read_authorization_request(const fields& parameters,
                                                               const client& from) {
  if (auto fits = refuse_unsupported(parameters); !fits) return fits.error();
  authorization_request request;
  const auto& scope = value_of(parameters, "scope");
  if (!has_word(scope, "openid")) return oauth_error{"invalid_scope", "the scope must have openid"};
  request.scope = granted_scope(scope);
  request.nonce = value_of(parameters, "nonce");
  if (request.nonce.size() > limits::echoed_value)
    return oauth_error{"invalid_request", "nonce is too long"};
  if (auto challenge = read_challenge(parameters, from, request); !challenge)
    return challenge.error();
  if (auto prompt = read_prompt(parameters, request); !prompt) return prompt.error();
  request.login_hint = value_of(parameters, "login_hint");
  request.id_token_hint = value_of(parameters, "id_token_hint");
  return request;
}

fields to_parameters(const return_address& address, const authorization_request& request) {
  fields parameters{{"client_id", address.to->id},
                    {"redirect_uri", address.redirect_uri},
                    {"response_type", "code"},
                    {"scope", request.scope}};
  auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) parameters[name] = value;
  };
  add("state", address.state);
  add("nonce", request.nonce);
  add("code_challenge", request.code_challenge);
  if (!request.code_challenge.empty()) parameters["code_challenge_method"] = "S256";
  add("expected_subject", request.expected_subject);
  return parameters;
}

runtime::http_response answer_by_redirect(const return_address& address, fields answer,
                                          const std::string& issuer) {
  if (!address.state.empty()) answer["state"] = address.state;
  answer["iss"] = issuer;
  return redirect(with_parameters(address.redirect_uri, answer));
}

runtime::http_response error_by_redirect(const return_address& address, const oauth_error& e,
                                         const std::string& issuer) {
  fields answer{{"error", e.code}};
  if (!e.description.empty()) answer["error_description"] = e.description;
  return answer_by_redirect(address, std::move(answer), issuer);
}

}  // namespace postern::sts
