#pragma once
// Who administers: the check of an access token that the admin API and enrolment share, and the
// long-lived actors as the code that answers requests finds them.

#include "edge/edge_context.hpp"
#include "runtime/http_message.hpp"

#include <string>

namespace postern::edge {

/// The handles in force; before the first ones have arrived, handles of nobody: asking them is
/// answered with "actor_down", telling them does nothing. For use at once: a restart of an actor
/// replaces them while a coroutine waits.
const actors::node_handles& handles_of(const edge_context& context);

/// Whether somebody may administer: a member of the group that the configuration names.
bool is_administrator(const actors::identity& user, const config::node& options) noexcept;

/// What an administrator's access token is shown for.
enum class administration {
  everything,  ///< a token for the admin API
  enrolment,   ///< such a token, or one that is good for enrolment only
};

/// The administrator whose access token (RFC 9068) this is, if it is good for `purpose`. Errors:
/// `unauthenticated` "credentials_missing" for an empty one, "token_revoked" for one from before
/// the user's revocation, or as of token_verifier; `unavailable` "store_unavailable" while
/// revocations are not known; `forbidden` "not_administrator".
runtime::awaitable<runtime::result<actors::identity>> find_administrator(edge_context& context,
                                                                         std::string token,
                                                                         administration purpose);

/// Adds the challenge of a Bearer token to a 401 (RFC 6750, section 3): with an error code if a
/// token came but does not hold.
void challenge_bearer(runtime::http_response& response, const runtime::error& why);

}  // namespace postern::edge
