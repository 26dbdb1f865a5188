#pragma once
// Puts the parts of posternctl together: network, token, command. `main` only passes its streams.

#include "control/options.hpp"

#include <iosfwd>

namespace postern::control {

/// The streams of the process; tests pass their own.
struct streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

/// Runs posternctl and returns its exit status. Failures are one line on `err`.
exit_status run(int argc, const char* const* argv, const streams& io);

}  // namespace postern::control
