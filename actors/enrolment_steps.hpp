#pragma once
// The three requests of the certificate authority that need answers of other actors, step by step.
// Internal to certificate_authority: the functions are called in its handlers, with its key loaded.

#include "actors/certificate_authority.hpp"

namespace postern::actors {

using certificate_authority_pointer =
    certificate_authority_self_actor::stateful_pointer<certificate_authority_state>;

/// Checks the request by itself, then token and group, then that the name is nobody's id; uses the
/// token up, signs, has the connector recorded, and only then answers.
caf::result<issued_certificate> sign(certificate_authority_pointer self, enrolment_request request);

/// Checks the request, the old certificate and the connector's record; signs, has the serial
/// recorded, and only then answers.
caf::result<issued_certificate> renew(certificate_authority_pointer self, renewal_request request);

/// Makes a token for a group that exists; answers when it is durable.
caf::result<enrolment_token> issue(certificate_authority_pointer self,
                                   const enrolment_token_request& request);

}  // namespace postern::actors
