#pragma once
// runtime::error across actors: a caf::error of the category "postern" that carries cause, source
// and detail.

#include "runtime/error.hpp"

#include <caf/error.hpp>

namespace postern::runtime {

/// An error for a handler to return or a promise to deliver.
caf::error to_caf(const error& e);

/// The inverse; errors that CAF itself made (timeouts, dead receivers) become `unavailable` or
/// `timeout` with a cause such as "actor_timeout" or "actor_down".
error from_caf(const caf::error& e);

}  // namespace postern::runtime
