#pragma once
// The one error value of the project. Who uses it: every folder from runtime/ upwards.
// The outside world fails by returning a `result<T>`; exceptions end at a coroutine's or actor's
// edge.

#include <boost/system/result.hpp>

#include <cstdint>
#include <exception>
#include <string>

namespace postern::runtime {

/// What kind of failure it is; decides the status code (RFC 9110, section 15) that a user gets.
enum class error_category : uint8_t {
  none = 0,
  invalid_input,    ///< 400: malformed or out of bounds
  unauthenticated,  ///< 401: nobody is signed in, or the proof does not hold
  forbidden,        ///< 403: signed in, but may not
  not_found,        ///< 404
  conflict,         ///< 409: somebody changed it first
  too_large,        ///< 413 or 431
  overloaded,       ///< 503 with Retry-After
  unavailable,      ///< 503: a part that is needed is not there
  bad_gateway,      ///< 502: the next hop answered nothing usable
  timeout,          ///< 504: the next hop did not answer in time
  internal,         ///< 500: a defect of ours
};

/// A failure as a value.
struct error {
  error_category category = error_category::internal;
  /// Stable snake_case name of the cause, for example "token_expired"; shown to users and in logs.
  std::string cause;
  /// The part that refuses, in words a user may see, for example "sts" or "origin". Never an
  /// address.
  std::string source;
  /// For the log only: may name hosts and library messages, never secrets.
  std::string detail;

  bool operator==(const error&) const = default;
};

/// A value or an error.
template <class T>
using result = boost::system::result<T, error>;

/// One line for the log: "category cause source: detail".
std::string to_string(const error& e);

/// The name of a category, as logs print it.
const char* to_string(error_category c) noexcept;

/// The HTTP status code for a category (RFC 9110, section 15).
unsigned http_status_code(error_category c) noexcept;

/// Thrown by `result<T>::value()` on an error: a programmer's mistake, or a caller at an edge that
/// catches.
class error_exception : public std::exception {
 public:
  explicit error_exception(error e);
  const char* what() const noexcept override;
  const error& value() const noexcept { return error_; }

 private:
  error error_;
  std::string text_;
};

/// Found by boost::system::result through argument-dependent lookup.
[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location& where);

/// Ends the process when `condition` does not hold: for defects of ours only. On in release builds.
void ensure(bool condition, const char* what) noexcept;

}  // namespace postern::runtime
