#pragma once
// How each kind of thing that `posternctl get` lists looks as a table.

#include "control/outcome.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace postern::control {

/// The plural that the admin API uses ("applications", ...) for a plural or singular; a near miss
/// is suggested.
outcome<std::string> parse_kind(std::string_view text);

/// The list in a response: the array itself, or an object's member of that name; one object alone
/// is a list of one.
outcome<boost::json::array> list_of(std::string_view kind, const boost::json::value& response);

/// The table for a kind from parse_kind. `list` holds objects; "no KIND" if it is empty.
std::string view(std::string_view kind, const boost::json::array& list);

}  // namespace postern::control
