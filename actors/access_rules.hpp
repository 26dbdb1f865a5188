#pragma once
// Whether a session may go on to an application: a pure function. Who uses it: user_session.

#include "actors/messages.hpp"

#include <string_view>

namespace postern::actors {

/// Whether one of the application's assignments names the user ("user:NAME") or a group the user is
/// a member of ("group:NAME"). Names are compared exactly. An application without assignments is
/// assigned to nobody.
bool is_assigned(const config::application& application, const identity& user);

/// Decides a request of a session. In this order: closed for maintenance (also who would have to
/// sign in learns that at once), no preauthentication wanted, a session made for another
/// application or by an issuer that is no longer the application's ("session_foreign"), expired
/// ("session_expired"), not assigned ("not_assigned"), allowed.
access_decision decide(const access_session& session, const config::application& application,
                       timestamp now);

/// Whether the session's time is up at `now`.
bool is_expired(const access_session& session, timestamp now);

}  // namespace postern::actors
