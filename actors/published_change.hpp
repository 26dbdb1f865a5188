#pragma once
// What a change request makes of what is published: the rules of `configuration` as a pure
// function.

#include "actors/messages.hpp"

namespace postern::actors {

/// A change that has been thought through and may be carried out.
struct planned_change {
  config::published next;                     ///< ordered by name; the version is one higher
  std::vector<resource_change> changes;       ///< empty: `next` differs in nothing but the version
  std::vector<runtime::store_change> writes;  ///< of kinds "group" and "application"
};

/// Puts and erases what `request` names, with `prune` erases the rest, and validates the outcome as
/// a whole; what it puts must stay off the service's own host names. Errors: `invalid_input` with
/// the cause "published_invalid" (the detail says what was expected, for the administrator to read)
/// or "change_contradictory" for a name given twice or both put and erased; `not_found` with
/// "application_unknown" or "group_unknown" for erasing what is not there.
runtime::result<planned_change> plan_change(const config::published& current,
                                            const change_request& request,
                                            const std::vector<std::string>& service_hosts = {});

/// A snapshot out of stored records. What cannot be read is left out, logged, and stays in the
/// store: one damaged record must not take down every other application.
config::published read_published(const std::vector<runtime::stored_record>& groups,
                                 const std::vector<runtime::stored_record>& applications,
                                 uint64_t version);

}  // namespace postern::actors
