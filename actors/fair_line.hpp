#pragma once
// The exchanges that wait for a connection, one line per application, served in turn. Who uses it:
// group_queue, only while every tunnel is full or none is there.

#include "actors/dispatch_board.hpp"

#include <caf/typed_response_promise.hpp>

#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

namespace postern::actors {

/// An exchange that waits, and how to answer it.
struct waiting_exchange {
  exchange_ticket ticket;
  actor_time deadline;
  caf::typed_response_promise<dispatch> promise;
};

/// Lines that are each first in, first out, and each served once before any is served again: an
/// application that floods its line delays another by one exchange at most. Entering, leaving and
/// being served take constant time; whoever leaves is handed out, and answering is the caller's
/// business.
class fair_line {
 public:
  /// `bound` is how many exchanges of one application may wait, `total` how many of all together.
  explicit fair_line(size_t bound, size_t total = static_cast<size_t>(-1))
      : bound_(bound), total_(total) {}

  /// Lets an exchange in at the end of its application's line. False, and `w` untouched, if the
  /// line is full, or all lines together, or the ticket's id waits already.
  bool enter(waiting_exchange&& w);

  /// Serves the next application in turn.
  std::optional<waiting_exchange> serve();

  /// How many are served before one that enters the line of `application` now. Visits the lines.
  size_t ahead_of(const std::string& application) const;

  /// Takes an exchange out of turn; none if it does not wait (any more).
  std::optional<waiting_exchange> leave(uint64_t ticket);

  /// Takes out everyone whose deadline is not after `now`. Visits everybody: call it seldom.
  std::vector<waiting_exchange> expire(actor_time now);

  /// The earliest deadline, if anybody waits. Visits everybody.
  std::optional<actor_time> earliest_deadline() const;

  /// Takes everybody out.
  std::vector<waiting_exchange> clear();

  size_t size() const noexcept { return places_.size(); }
  bool empty() const noexcept { return places_.empty(); }

 private:
  struct line {
    std::string application;
    std::list<waiting_exchange> exchanges;  // never empty
  };
  using line_position = std::list<line>::iterator;
  struct place {
    line_position in;
    std::list<waiting_exchange>::iterator at;
  };

  waiting_exchange take_out(const place& p);

  size_t bound_;
  size_t total_;
  std::list<line> turns_;                                 // the front is served next
  std::unordered_map<std::string, line_position> lines_;  // an index into turns_
  std::unordered_map<uint64_t, place> places_;            // an index into the lines, by ticket
};

}  // namespace postern::actors
