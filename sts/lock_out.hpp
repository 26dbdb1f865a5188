#pragma once
// Delays for whoever guesses: after a few failures the next attempt has to wait, each time twice as
// long. Used for passwords, for device user codes and for client secrets, each with its own object.

#include "runtime/wall_clock.hpp"

#include <chrono>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postern::sts {

/// Counts failures by what is guessed at (a name) and by who guesses (an address). In memory only:
/// a restart forgets, and is slower than the delays. Safe to use from any thread.
class lock_out {
 public:
  explicit lock_out(const runtime::wall_clock& clock) : clock_(clock) {}

  /// Asks leave for one attempt. Zero: go on, and the attempt already counts as a failure until
  /// succeeded() says otherwise, so that attempts in parallel get no more tries than attempts in a
  /// row. Otherwise how long to wait, in whole seconds; then nothing was counted, and nothing is
  /// remembered that was not before. The name may be one that does not exist: the answer tells
  /// nothing.
  std::chrono::seconds begin(std::string_view name, std::string_view address);

  /// Takes back what begin() counted: all failures of the name, one of the address (somebody with
  /// an account of his own must not be able to clear the address for guessing at others).
  void succeeded(std::string_view name, std::string_view address);

 private:
  struct entry {
    std::string key;
    unsigned failures = 0;
    int64_t counted_at = 0;     ///< unix seconds of the last change of `failures`
    int64_t blocked_until = 0;  ///< unix seconds
  };

  /// Null if nothing is remembered under that key.
  entry* find(std::string_view key);
  /// As find, but begins to remember what is not there yet; the least recent entry may go for it.
  entry& touch(std::string key);
  void forgive(entry& e, std::chrono::seconds after, int64_t now) const;
  static void count(entry& e, unsigned allowed, int64_t now);

  const runtime::wall_clock& clock_;
  std::mutex mutex_;
  std::list<entry> entries_;  ///< most recently used first
  std::unordered_map<std::string_view, std::list<entry>::iterator> by_key_;
};

/// What counts as one sender: an IPv4 address, or the /64 that an IPv6 host has to itself. Other
/// text stays as it is.
std::string sender_of(std::string_view address);

}  // namespace postern::sts
