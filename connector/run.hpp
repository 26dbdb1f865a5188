#pragma once
// `postern-connector run`: builds the object graph of a serving connector and ends it again.

#include <string>

namespace postern::connector {

struct run_options {
  std::string state_directory;
  std::string log_format;  ///< empty: as connector.toml says
  std::string log_level;   ///< the same
  unsigned shards = 0;     ///< 0: one per core
};

/// Serves until SIGTERM or SIGINT, then drains; a second signal ends the process at once. Returns
/// the exit code: 0, or 2 if the state directory cannot be used (one line on standard error).
int run(const run_options& options);

}  // namespace postern::connector
