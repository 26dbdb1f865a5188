#include "sts/metadata.hpp"

#include <boost/json/array.hpp>

namespace postern::sts {

boost::json::object provider_metadata(const std::string& issuer) {
  using boost::json::array;
  boost::json::object m;
  m["issuer"] = issuer;
  m["authorization_endpoint"] = issuer + paths::authorize;
  m["token_endpoint"] = issuer + paths::token;
  m["userinfo_endpoint"] = issuer + paths::userinfo;
  m["jwks_uri"] = issuer + paths::jwks;
  m["device_authorization_endpoint"] = issuer + paths::device_authorization;
  m["end_session_endpoint"] = issuer + paths::end_session;
  m["scopes_supported"] = array{"openid", "profile", "email", "groups"};
  m["response_types_supported"] = array{"code"};
  m["response_modes_supported"] = array{"query"};
  m["grant_types_supported"] =
      array{"authorization_code", "urn:ietf:params:oauth:grant-type:device_code"};
  m["subject_types_supported"] = array{"public"};
  m["id_token_signing_alg_values_supported"] = array{"ES256"};
  m["token_endpoint_auth_methods_supported"] =
      array{"none", "client_secret_basic", "client_secret_post"};
  m["code_challenge_methods_supported"] = array{"S256"};
  m["prompt_values_supported"] = array{"none", "login", "consent", "select_account"};
  m["claims_supported"] = array{"iss",       "sub",   "aud",     "azp", "exp", "iat",
                                "auth_time", "nonce", "at_hash", "amr", "sid", "preferred_username",
                                "name",      "email", "groups"};
  m["authorization_response_iss_parameter_supported"] = true;
  m["claims_parameter_supported"] = false;
  m["request_parameter_supported"] = false;
  m["request_uri_parameter_supported"] = false;
  return m;
}

}  // namespace postern::sts
