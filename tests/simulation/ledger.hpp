#pragma once
// What was promised: every exchange of the world with what became of it, and the invariants that
// hold at every moment. Who uses it: everybody in the world reports here.

#include "runtime/error.hpp"
#include "tests/simulation/timeline.hpp"

#include <string>
#include <vector>

namespace postern::simulation {

enum class method : uint8_t {
  get,     ///< may be repeated
  post,    ///< must not, without content
  upload,  ///< must not, with content
};

const char* to_string(method m) noexcept;
inline bool repeatable(method m) noexcept {
  return m == method::get;
}

/// One request of a user, from its acceptance by a node to its end.
struct exchange_record {
  uint64_t id = 0;
  method how = method::get;
  std::string application;
  std::string session;  ///< id; empty: passthrough
  std::string node;
  actor_time accepted{};
  bool authorized = false;
  unsigned attempts = 0;
  bool handed_over = false;       ///< by any attempt that was not refused afterwards
  bool announced = false;         ///< in such an attempt: from then on the origin may have got it
  uint64_t attempt_in_force = 0;  ///< number of the stream that it is assigned to; 0: none
  actor_time attempt_left{};      ///< when it was taken away from the last one
  std::optional<actor_time> crash_met;  ///< when it first met an actor that had crashed
  bool no_next = false;                 ///< at a node that leaves: nobody waits for its next one
  unsigned deliveries = 0;              ///< whole requests that an origin got
  bool ended = false;
  actor_time ended_at{};
  std::string outcome;  ///< "served", "user_gone", "node_died" or a cause
};

/// A promise that was broken. Ends the run of a seed.
struct broken_promise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class ledger {
 public:
  ledger(const timeline& time, bool verbose) : time_(time), verbose_(verbose) {}

  /// Writes a line of the trace. Two runs of one seed write the same.
  void note(const std::string& line);
  /// Ends the run. CAF catches what a handler throws: throw_again() then does it.
  [[noreturn]] void fail(const std::string& promise, const std::string& detail) const;
  void throw_again() const {
    if (!broken_.empty()) throw broken_promise(broken_);
  }
  void require(bool holds, const std::string& promise, const std::string& detail) const {
    if (!holds) fail(promise, detail);
  }

  // -- an exchange, in this order
  void accepted(exchange_record r);
  /// What it `asked` of an actor has ended by a crash; `leaving`: at a node that leaves.
  void met_crash(uint64_t id, actor_time asked, bool leaving);
  /// It has got further: the next crash is another one.
  void next_step(uint64_t id);
  void authorized(uint64_t id);
  void assigned(uint64_t id, uint64_t stream, const std::string& connector);
  void handed_over(uint64_t id);
  /// The connector has said that the origin is about to get its first byte.
  void announced(uint64_t id);
  /// It is no longer assigned to the stream; `refused`: the connector has said that it began
  /// nothing.
  void taken_away(uint64_t id, bool refused);
  /// An origin gets the whole request. `frozen_until`: when the connector last thawed.
  void delivered(uint64_t id, uint64_t stream, const std::string& connector,
                 actor_time frozen_until);
  void ended(uint64_t id, const std::string& outcome);

  const exchange_record& at(uint64_t id) const;
  /// Every exchange has ended.
  void require_all_ended() const;

  size_t count(const std::string& outcome) const;
  size_t size() const noexcept { return exchanges_.size(); }
  size_t open() const noexcept { return open_; }
  const std::map<std::string, size_t>& outcomes() const noexcept { return outcomes_; }
  duration slowest() const noexcept { return slowest_; }
  uint64_t trace() const noexcept { return trace_; }
  const std::map<uint64_t, exchange_record>& all() const noexcept { return exchanges_; }

 private:
  exchange_record& find(uint64_t id);
  void check_loss(const exchange_record& r) const;
  void check_crash(const exchange_record& r) const;

  const timeline& time_;
  bool verbose_;
  mutable std::string broken_;  // the first promise that was
  std::map<uint64_t, exchange_record> exchanges_;
  std::map<std::string, size_t> outcomes_;
  size_t open_ = 0;
  duration slowest_{0};
  uint64_t trace_ = 0xcbf29ce484222325;  // FNV-1a
};

}  // namespace postern::simulation
