#pragma once
// Reads members of JSON that the service sent: absent or oddly typed members become empty values,
// never exceptions.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::control {

/// The member as text: a string as it is, a number in decimal, a boolean as "yes" or "no", a list
/// joined by ", ". Empty if it is absent, null or an object.
std::string text_of(const boost::json::object& object, std::string_view key);

/// The member as a whole number; `otherwise` if it is none.
int64_t number_of(const boost::json::object& object, std::string_view key, int64_t otherwise = 0);

/// Whether the member is there and true.
bool is_true(const boost::json::object& object, std::string_view key);

/// A point in time: text as text_of gives it (RFC 3339 is meant), seconds since 1970 as
/// "2026-01-31T12:00:00Z", empty for 0.
std::string time_of(const boost::json::object& object, std::string_view key);

/// The object's member as an object; an empty one if it is none.
const boost::json::object& object_of(const boost::json::object& object, std::string_view key);

}  // namespace postern::control
