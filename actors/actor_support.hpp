#pragma once
// What every actor of this folder needs besides its rules: errors as replies, and a crash that
// leaves a trace. Who uses it: the behaviors, never the rules.

#include "runtime/caf_error.hpp"

#include <caf/make_message.hpp>
#include <caf/result.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <type_traits>
#include <utility>

namespace postern::actors {

/// A result as what a handler returns.
template <class T>
caf::result<T> to_reply(runtime::result<T>&& r) {
  if (r.has_error()) return runtime::to_caf(r.error());
  if constexpr (std::is_void_v<T>)
    return caf::unit;
  else
    return std::move(*r);
}

/// Delivers a result to a promise.
template <class T>
void settle(caf::typed_response_promise<T>& promise, runtime::result<T>&& r) {
  if (r.has_error())
    promise.deliver(runtime::to_caf(r.error()));
  else
    promise.deliver(std::move(*r));
}

/// Logs an exception that leaves a handler, and ends the actor with an `internal` error of the
/// cause "actor_crashed", which also answers the request in hand. To be called once by every
/// behavior: without it CAF prints to standard output.
void report_crashes(caf::scheduled_actor* self);

}  // namespace postern::actors
