#pragma once
// Applications and groups as JSON: the form of the admin API and of the store. Who uses it: the
// configuration actor, the admin API of the edge, and posternctl. Key names and value texts are
// those of published.toml.

#include "config/published.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace postern::config {

/// Every field, also those that have their default; durations as text ("85s").
boost::json::object to_json(const application& a);
boost::json::object to_json(const group& g);

/// The inverse. Absent fields get their defaults, URLs are normalized, and the resource is checked
/// by itself
/// (`validate`); unknown keys and wrong types are refused. The problem has no file and line, and
/// its message begins with the resource and the field: `application "wiki": group: expected ...,
/// found ...`.
result<application> application_from_json(const boost::json::value& value);
result<group> group_from_json(const boost::json::value& value);

}  // namespace postern::config
