#pragma once
// The calendar as a seam: certificates, tokens and cookies ask it, so that tests and simulation can
// move it by 180 days.

#include <chrono>

namespace postern::runtime {

/// A point of calendar time (UTC); the same type as caf::timestamp.
using timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// Tells calendar time. Implementations are safe to call from any thread.
class wall_clock {
 public:
  virtual ~wall_clock() = default;
  virtual timestamp now() const noexcept = 0;
};

/// The machine's clock: for `main` only.
class system_wall_clock final : public wall_clock {
 public:
  timestamp now() const noexcept override { return std::chrono::system_clock::now(); }
};

/// A clock that stands still until told to move: for tests.
class manual_wall_clock final : public wall_clock {
 public:
  explicit manual_wall_clock(timestamp start) : now_(start) {}
  timestamp now() const noexcept override { return now_; }
  void advance(std::chrono::nanoseconds by) noexcept { now_ += by; }

 private:
  timestamp now_;
};

/// Whole seconds since 1970 (RFC 7519, NumericDate).
inline int64_t to_unix_seconds(timestamp t) noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

/// The inverse of to_unix_seconds.
inline timestamp from_unix_seconds(int64_t seconds) noexcept {
  return timestamp{std::chrono::seconds{seconds}};
}

}  // namespace postern::runtime
