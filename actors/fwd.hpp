#pragma once
// Says that the types of actors/messages.hpp travel between actors of one process only: they are
// moved, never serialized.

#include "actors/atoms.hpp"
#include "actors/messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

namespace postern::actors {
struct routing;
struct node_handles;
using routing_ptr = std::shared_ptr<const routing>;
using node_handles_ptr = std::shared_ptr<const node_handles>;
}  // namespace postern::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::routing_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::node_handles_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::published_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::access_session)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::access_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::access_decision)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::session_selector)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<postern::actors::session_status>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::token_expectation)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::verified_token)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::change_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::change_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::enrolment_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::renewal_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::issued_certificate)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::enrolment_token_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::enrolment_token)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::connector_record)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::tunnel_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::tunnel_info)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::configuration_pull)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::connector_configuration)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<postern::actors::connector_status>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::exchange_ticket)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::dispatch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::exchange_outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::connection_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::audit_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<postern::actors::audit_event>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::audit_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::pull_outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::actors::agent_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(postern::runtime::error)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<postern::actors::cluster_node>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<postern::runtime::stored_record>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<postern::runtime::store_change>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<postern::runtime::journal_entry>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<postern::runtime::store_news>)
