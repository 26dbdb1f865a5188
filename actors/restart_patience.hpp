#pragma once
// How long a request that meets an actor which has crashed waits for the next one: its supervisor
// starts it within moments (actors/supervision). Who uses it: edge/restarts; the simulation.

#include "runtime/error.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace postern::actors {

/// How long nobody has been there before a request gives up: the longest pause before a restart,
/// and as long again for the start.
inline constexpr std::chrono::seconds longest_restart_wait{10};
/// From one attempt to the next. A restart after a first crash takes 100 ms.
inline constexpr std::chrono::milliseconds pause_between_attempts{20};
/// A question that was open for longer was in the hands of an actor that was alive: if that
/// crashes, it is another crash.
inline constexpr std::chrono::seconds alive_after{1};

/// Whether an error's cause says that an actor has ended and another one will come.
bool is_crash(std::string_view cause) noexcept;

/// The patience of one request with one kind of actor. A question that was answered late, or not
/// before the actor crashed, has cost none of it: the time counts from when nobody was there.
class restart_patience {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Whether to ask once more, after pause_between_attempts. `asked`: when the question was put
  /// that met with `why`.
  bool allows(const runtime::error& why, time_point asked, time_point now) noexcept;

 private:
  std::optional<time_point> down_since_;
};

}  // namespace postern::actors
