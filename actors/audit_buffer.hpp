#pragma once
// Audit events on their way to the journal: what is written when, what is kept, what is dropped.
// Who uses it: audit_log. No actor in it, so that the rules can be tested by themselves.

#include "actors/messages.hpp"

#include <deque>
#include <string>
#include <vector>

namespace postern::actors {

/// So many events are written at once without waiting for company.
inline constexpr size_t audit_batch = 64;
/// Events kept while the store is down: minutes of a busy node in a few megabytes. What comes after
/// is counted, and the count becomes an event of its own.
inline constexpr size_t audit_limit = 8'192;
/// Of each text of an event so much is kept, in bytes: some of them come from strangers.
inline constexpr size_t audit_text_limit = 1'024;
/// The journal's name in the store; its values are JSON objects.
inline constexpr const char* audit_journal = "audit";

/// An event as a value of the journal; empty fields are left out, the time is the entry's own.
std::string encode_audit_event(const audit_event& e);

/// The inverse. A value that is no such JSON becomes an event with the action "unreadable", because
/// a damaged line must not hide the others.
audit_event decode_audit_event(const runtime::journal_entry& entry);

/// A bounded queue of which at most one batch is under way to the store. A batch stays in front
/// until it is known to be durable: an answer that got lost writes events twice, but never loses
/// them.
class audit_buffer {
 public:
  /// Takes an event, its texts cut to `audit_text_limit`, with `now` as its time if it has none.
  /// Full: it is counted as dropped.
  void record(audit_event event, timestamp now);

  /// Begins a batch of everything that has gathered. Empty: there is nothing, or one is under way.
  std::vector<runtime::journal_entry> begin_batch(timestamp now);

  /// Ends the batch: forgets it if it is durable, else it is part of the next one.
  void end_batch(bool durable);

  /// Whether a batch is under way.
  bool writing() const noexcept { return in_flight_ != 0; }

  /// Whether enough has gathered to be written at once. After a failure only the next tick tries
  /// again: a store in trouble must not be asked once per event.
  bool full_batch() const noexcept {
    return !writing() && !failed_ && pending_.size() >= audit_batch;
  }

  size_t size() const noexcept { return pending_.size(); }

  /// Events dropped since the journal was last told of them.
  uint64_t dropped() const noexcept { return dropped_; }

 private:
  std::deque<audit_event> pending_;
  size_t in_flight_ = 0;  ///< so many in front are being written
  uint64_t dropped_ = 0;
  bool failed_ = false;  ///< the last batch
};

}  // namespace postern::actors
