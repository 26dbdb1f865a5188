#pragma once
// Who may ask the built-in STS for tokens: every application with preauthentication that has no
// issuer of its own, and the two tools. Derived from what is published; the node replaces the STS's
// list whenever that changes.

#include "config/published.hpp"
#include "edge/edge_context.hpp"
#include "sts/clients.hpp"

#include <string_view>
#include <vector>

namespace postern::edge {

/// "aud" of posternctl's access tokens, which the admin API asks for.
inline constexpr std::string_view admin_audience = "postern-admin";
/// "aud" of those that postern-connector gets: good for enrolment and nothing else, for they come
/// to machines that administer nothing.
inline constexpr std::string_view enrolment_audience = "postern-enrolment";

/// All clients of a snapshot, and the tools' (config/tool_clients.hpp), which have the device grant
/// (RFC 8628). Applications that share a client_id share one client with the
/// redirect URIs of all of them. Every application is a public client: PKCE protects its codes, and
/// it runs inside the service that runs the STS.
std::vector<sts::client> make_sts_clients(const config::published& published,
                                          const service_urls& urls);

}  // namespace postern::edge
