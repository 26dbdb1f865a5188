#pragma once
// The access session as a cookie: its name, its seal, its size. Who uses it: sign-in makes it, the
// gatekeeper opens it. Includes edge/cookies.hpp for everybody who works on Cookie fields.

#include "actors/messages.hpp"
#include "edge/cookies.hpp"
#include "runtime/key_ring.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace postern::edge {

/// "__Host-postern" for an application at the root of its host; with one below a path, so that
/// neighbours do not overwrite each other, "__Secure-postern-" and eight digits of the SHA-256 of
/// its name. Without secure_cookie the same without prefix. Made once per published application.
std::string session_cookie_name(const config::application& a);

/// The Set-Cookie value that carries a session, below cookie_limit. Of the user's groups only those
/// go in that an assignment of anything published names; if the cookie is still too long, first
/// groups that do not matter for this application are left out, then other groups, then mail and
/// display name, with a warning in the log. `session` becomes what the cookie holds. `now` in
/// seconds since 1970.
std::string make_session_cookie(actors::access_session& session, const config::application& a,
                                const config::published& published, const runtime::key_ring& ring,
                                int64_t now);

/// The Set-Cookie value that makes the browser forget the session.
std::string clear_session_cookie(const config::application& a);

/// Opens the value of a session cookie. Whether it has expired or was revoked is for user_session
/// to say. Errors, all `unauthenticated` of the source "session": those of key_ring::open, and
/// "session_unreadable".
runtime::result<actors::access_session> open_session(std::string_view sealed,
                                                     const runtime::key_ring& ring);

/// Of `groups` those that some assignment in `published` names; the ones that matter for `a` first.
std::vector<std::string> groups_that_matter(const std::vector<std::string>& groups,
                                            const config::application& a,
                                            const config::published& published);

}  // namespace postern::edge
