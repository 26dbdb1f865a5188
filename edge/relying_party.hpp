#pragma once
// An application as a relying party of OpenID Connect: where its sign-in comes back to, as whom it
// signs in, and which paths of it the service keeps for that. Pure functions; used by cookies,
// sign-in and the STS's list of clients, so that all three always agree.

#include "config/published.hpp"
#include "edge/edge_context.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace postern::edge {

/// The path of the external URL; begins and ends with "/". A view of the application's own text.
std::string_view application_path(const config::application& a) noexcept;

/// Scheme, host and port of the external URL, without a slash at the end.
std::string_view application_origin(const config::application& a) noexcept;

/// What the service itself answers on the host of an application.
enum class reserved_page : uint8_t {
  callback,  ///< where the issuer sends the browser back to
  logout,
  other,  ///< reserved, and nothing is there
};

/// The reserved page that a path (no query, dot segments removed) of an application with sign-in
/// names; none if the path is the application's own.
std::optional<reserved_page> find_reserved_page(const config::application& a,
                                                std::string_view path) noexcept;

/// Where the issuer sends the browser with the code (redirect_uri).
std::string callback_url(const config::application& a);

/// Who signs the users of the application in.
const std::string& issuer_of(const config::application& a, const service_urls& urls) noexcept;

/// As which client the application is known there; its ID tokens have this audience.
const std::string& client_id_of(const config::application& a) noexcept;

/// The target to go to after a sign-in: `target` (path and query as first asked for) if it lies
/// within the application, else the application's start. Bytes that do not belong into a URL are
/// percent-encoded.
std::string safe_target(const config::application& a, std::string_view target);

/// The absolute URL of a target made by safe_target. It cannot lead to another host, whatever the
/// target is.
std::string absolute_url(const config::application& a, std::string_view safe_target);

}  // namespace postern::edge
