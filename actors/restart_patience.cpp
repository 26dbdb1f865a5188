#include "actors/restart_patience.hpp"

namespace postern::actors {

bool is_crash(std::string_view cause) noexcept {
  return cause == "actor_down" || cause == "queue_ended";
}

bool restart_patience::allows(const runtime::error& why, time_point asked,
                              time_point now) noexcept {
  if (!is_crash(why.cause)) return false;
  if (!down_since_ || now - asked > alive_after) down_since_ = now;
  return now - *down_since_ < longest_restart_wait;
}

}  // namespace postern::actors
