#pragma once
// What the admin API says and takes besides applications and groups (config/published_json.hpp), as
// JSON. Pure functions. Points in time are RFC 3339 text, or null if there is none.

#include "actors/messages.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace postern::edge {

/// {"version":N,"changes":[{"action","kind","name","fields":{FIELD:[OLD,NEW]}}]}
boost::json::object to_json(const actors::change_report& report);

/// {"id","name","group","revoked","connected","duplicate","tunnels","exchanges","version","address",
/// "enrolled_at","enrolled_by","last_seen","certificate_expires"}
boost::json::object to_json(const actors::connector_status& status);

/// {"id","application","user":{"name","display_name","email","groups","issuer","subject"},
/// "issued_at","expires_at","authenticated_at","last_used"}
boost::json::object to_json(const actors::session_status& status);

/// {"at","category","action","actor","target","outcome","address","request_id","detail"}
boost::json::object to_json(const actors::audit_event& event);

/// {"token","group","uses","expires"}
boost::json::object to_json(const actors::enrolment_token& token);

/// An `invalid_input` error of the source "administration" whose detail is for whoever sent the
/// request.
runtime::error bad_request(std::string cause, std::string detail);

/// Reads the content of POST /apply. Unknown keys are refused, because a misspelt "dry_run" must
/// not change anything. Errors: "json_malformed", and "published_invalid" with what was expected.
runtime::result<actors::change_request> read_change_request(const boost::json::object& content,
                                                            std::string by);

/// Reads the content of POST /enrolment-tokens. Errors: "json_malformed". Bounds are checked by the
/// certificate authority.
runtime::result<actors::enrolment_token_request> read_token_request(
    const boost::json::object& content, std::string by);

/// The text of content that has nothing else. Error: "json_malformed".
runtime::result<std::string> read_only_text(const boost::json::object& content,
                                            std::string_view key);

/// Reads ?before=&limit=. Errors: "query_malformed".
runtime::result<actors::audit_query> read_audit_query(std::string_view before,
                                                      std::string_view limit);

}  // namespace postern::edge
