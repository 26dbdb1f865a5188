#pragma once
// Logging by spdlog: text or JSON lines, to standard error or a file. Callers use spdlog::info and
// friends, or log_event() where fields matter.

#include "runtime/error.hpp"

#include <spdlog/spdlog.h>

#include <initializer_list>
#include <string_view>

namespace postern::runtime {

/// Sets spdlog's default logger. `level`: trace, debug, info, warn or error; `format`: "text" or
/// "json"; an empty `file` means standard error. Call once in `main`, before threads start.
result<void> start_logging(const std::string& level, const std::string& format,
                           const std::string& file);

/// One named value of a log line.
struct log_field {
  std::string_view name;
  std::string_view value;
};

/// One line "message name=value ..." in text, or one JSON object with the same names. Values may
/// come from users: control characters are escaped (ASVS 16.4.1).
void log_event(spdlog::level::level_enum level, std::string_view message,
               std::initializer_list<log_field> fields);

}  // namespace postern::runtime
