#pragma once
// How posternctl fails: one line for people and an exit status for scripts. Used by all of
// control/.

#include <boost/system/result.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace postern::control {

enum class exit_status : uint8_t {
  success = 0,
  refused = 1,    ///< the service said no, or could not be reached
  bad_input = 2,  ///< the command line or a file is wrong; nothing was sent
};

/// Why a command ended. With `success` the message belongs on standard output, for example the help
/// text.
struct failure {
  exit_status status = exit_status::refused;
  std::string message;
};

template <class T>
using outcome = boost::system::result<T, failure>;

inline failure refusal(std::string message) {
  return {exit_status::refused, std::move(message)};
}
inline failure bad_input(std::string message) {
  return {exit_status::bad_input, std::move(message)};
}

/// Found by boost::system::result; only a caller that did not look gets here.
[[noreturn]] inline void throw_exception_from_error(const failure& f,
                                                    const boost::source_location&) {
  throw std::runtime_error{f.message};
}

}  // namespace postern::control
