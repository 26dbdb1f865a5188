#pragma once
// The resources of the admin API: one function per method and path; the table that names them
// stands in admin_api.cpp. Internal to the admin API.

#include "edge/answers.hpp"
#include "edge/edge_context.hpp"
#include "edge/service_request.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace postern::edge {

/// One call by somebody who may.
struct admin_call {
  std::string administrator;  ///< who calls, by name
  std::string name;           ///< what "*" of the path stands for; empty if it has none
  parameters query;
  boost::json::object content;  ///< empty if none was sent
};

using admin_answer = runtime::awaitable<runtime::result<runtime::http_response>>;

// -- what is published (admin_published.cpp)

admin_answer list_applications(edge_context& context, admin_call& call);
admin_answer get_application(edge_context& context, admin_call& call);
admin_answer delete_application(edge_context& context, admin_call& call);
admin_answer list_groups(edge_context& context, admin_call& call);
admin_answer get_group(edge_context& context, admin_call& call);
admin_answer delete_group(edge_context& context, admin_call& call);
admin_answer apply_changes(edge_context& context, admin_call& call);

// -- connectors (admin_connectors.cpp)

admin_answer list_connectors(edge_context& context, admin_call& call);
admin_answer get_connector(edge_context& context, admin_call& call);
admin_answer revoke_connector(edge_context& context, admin_call& call);
admin_answer drain_connector(edge_context& context, admin_call& call);
admin_answer resume_connector(edge_context& context, admin_call& call);
admin_answer move_connector(edge_context& context, admin_call& call);
admin_answer create_enrolment_token(edge_context& context, admin_call& call);

// -- the cluster (admin_nodes.cpp)

admin_answer list_nodes(edge_context& context, admin_call& call);
/// The node of that cluster address, or "self": the one that is asked. Answered before it ends.
admin_answer drain_node(edge_context& context, admin_call& call);

// -- trials of what follows a crash (admin_chaos.cpp)

/// Only with `postern serve --enable-chaos`.
admin_answer crash_actor(edge_context& context, admin_call& call);

// -- sessions and what happened (admin_sessions.cpp)

admin_answer list_sessions(edge_context& context, admin_call& call);
admin_answer revoke_session(edge_context& context, admin_call& call);
/// Ends the user's sessions at the built-in STS as well: he has to type his password again.
admin_answer revoke_user(edge_context& context, admin_call& call);
admin_answer list_audit(edge_context& context, admin_call& call);

}  // namespace postern::edge
