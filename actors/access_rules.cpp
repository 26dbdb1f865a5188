#include "actors/access_rules.hpp"

#include <algorithm>
#include <string>

namespace postern::actors {

bool is_assigned(const config::application& application, const identity& user) {
  constexpr std::string_view by_name = "user:";
  constexpr std::string_view by_group = "group:";
  return std::ranges::any_of(application.assigned, [&](std::string_view assigned) {
    if (assigned.starts_with(by_name))
      return !user.name.empty() && assigned.substr(by_name.size()) == user.name;
    if (!assigned.starts_with(by_group)) return false;
    return std::ranges::find(user.groups, assigned.substr(by_group.size())) != user.groups.end();
  });
}

bool is_expired(const access_session& session, timestamp now) {
  return runtime::to_unix_seconds(now) >= session.expires_at;
}

access_decision decide(const access_session& session, const config::application& application,
                       timestamp now) {
  if (application.maintenance) return {access_verdict::maintenance, "maintenance"};
  if (application.preauthentication == config::preauthentication_kind::passthrough)
    return {access_verdict::allow, "passthrough"};
  if (session.application != application.name ||
      (!application.issuer.empty() && session.user.issuer != application.issuer))
    return {access_verdict::sign_in, "session_foreign"};
  if (is_expired(session, now)) return {access_verdict::sign_in, "session_expired"};
  if (!is_assigned(application, session.user)) return {access_verdict::deny, "not_assigned"};
  return {access_verdict::allow, "assigned"};
}

}  // namespace postern::actors
