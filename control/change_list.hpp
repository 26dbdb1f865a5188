#pragma once
// What `posternctl apply` prints: the changes that the service reports, or would make with
// --dry-run.

#include "control/outcome.hpp"

#include <boost/json/value.hpp>

#include <string>

namespace postern::control {

/// The lines for a response of POST /api/v1/apply or of a DELETE:
///
///     + group "branch"
///     ~ application "wiki"
///         response_timeout: 85s -> 30s
///     - application "old"
///     1 created, 1 changed, 1 erased; version 7
///
/// or "nothing to change". Refuses a response that is no list of changes.
outcome<std::string> describe_changes(const boost::json::value& response, bool dry_run);

}  // namespace postern::control
