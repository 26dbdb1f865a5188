#pragma once
// Who calls the token and the device authorization endpoint (RFC 6749, 2.3).

#include "sts/services.hpp"

#include <memory>

namespace postern::sts {

/// The client of a request, by client_secret_basic, client_secret_post or, if it is public, by its
/// client_id alone. Blocks for a scrypt computation when there is a secret. Errors:
/// "invalid_request" (no client named, or two ways at once), "invalid_client", and
/// "temporarily_unavailable" after too many wrong secrets from the same address.
oauth_result<std::shared_ptr<const client>> authenticate_client(services& s, const incoming& in);

}  // namespace postern::sts
