#pragma once
// The [log] section, the same in node.toml and connector.toml. Internal to config/.

#include "config/node.hpp"
#include "config/toml_reader.hpp"

namespace postern::config {

/// Reads level, format, file and access, and refuses other keys.
void read_log(toml_section s, log_options& out);

}  // namespace postern::config
