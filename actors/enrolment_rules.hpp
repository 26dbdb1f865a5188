#pragma once
// Who may get a certificate, and for what: pure functions. Who uses it: certificate_authority.

#include "actors/messages.hpp"
#include "runtime/x509.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace postern::actors {

/// Refuses keys weaker than P-256 or RSA with 2,048 bits, and every other kind (NIST SP 800-57,
/// part 1: 112 bits at least). Error: `invalid_input`, "csr_weak_key".
runtime::result<void> check_key(const runtime::request_info& request);

/// The subject of a first request is a name that the connector gives itself, for people to read:
/// one CN of 1 to 64 characters (RFC 5280, ub-common-name) without control characters, and nothing
/// else. Whether it is somebody's id is for the caller to check. Error: `invalid_input`,
/// "csr_foreign_subject".
runtime::result<void> check_enrolment_subject(const runtime::request_info& request);

/// A renewal keeps the subject (RFC 7030, section 4.2.2): its CN is the connector's id, or the
/// whole subject is that of the old certificate. Error: `forbidden`, "csr_foreign_subject".
runtime::result<void> check_renewal_subject(const runtime::request_info& request,
                                            const runtime::certificate_info& old);

/// Refuses a renewal over a certificate that is not valid at `now` ("certificate_expired",
/// "certificate_not_yet_valid"), of a revoked connector ("connector_revoked"), or that is not among
/// the connector's ("certificate_unknown"). All `forbidden`. That the authority issued it is for
/// the caller to check.
runtime::result<void> check_renewal(const runtime::certificate_info& old,
                                    const connector_record& record, timestamp now);

/// An `invalid_input`, `forbidden` or similar error of the source "enrolment".
runtime::error enrolment_error(runtime::error_category category, std::string cause,
                               std::string detail);

}  // namespace postern::actors
