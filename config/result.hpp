#pragma once
// How loading fails: one line that names file, line and what was expected.

#include <boost/system/result.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace postern::config {

/// Why a file was not accepted.
struct problem {
  std::string file;
  size_t line = 0;      ///< from 1; 0 if the file as a whole is meant
  std::string message;  ///< what was expected

  bool operator==(const problem&) const = default;
};

/// "FILE:LINE: message", the form that editors understand.
std::string to_string(const problem& p);

template <class T>
using result = boost::system::result<T, problem>;

/// Found by boost::system::result; only a caller that did not look gets here.
[[noreturn]] inline void throw_exception_from_error(const problem& p,
                                                    const boost::source_location&) {
  throw std::runtime_error{to_string(p)};
}

}  // namespace postern::config
