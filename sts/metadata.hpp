#pragma once
// What clients read about the provider before they use it.

#include <boost/json/object.hpp>

#include <string>

namespace postern::sts {

/// The paths of the endpoints, below the issuer.
namespace paths {
inline constexpr const char* discovery = "/.well-known/openid-configuration";
inline constexpr const char* oauth_discovery = "/.well-known/oauth-authorization-server";
inline constexpr const char* jwks = "/jwks";
inline constexpr const char* authorize = "/authorize";
inline constexpr const char* sign_in = "/sign-in";
inline constexpr const char* token = "/token";
inline constexpr const char* userinfo = "/userinfo";
inline constexpr const char* device_authorization = "/device_authorization";
inline constexpr const char* device = "/device";
inline constexpr const char* end_session = "/end_session";
}  // namespace paths

/// The discovery document (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2).
boost::json::object provider_metadata(const std::string& issuer);

}  // namespace postern::sts
