#pragma once
// Hears what commits tell by NOTIFY, on a thread and a connection of its own. Internal to the
// PostgreSQL store.

#include "runtime/postgres.hpp"
#include "runtime/store_watchers.hpp"

#include <string>
#include <string_view>
#include <thread>

namespace postern::runtime::postgres {

/// The channel; notifications stay within one database.
inline constexpr const char* news_channel = "postern_news";

/// What a commit tells: its revision and the records it has touched, as the text of a notification.
/// A list too long for one (8000 bytes) names the kinds only.
std::string encode_news(const std::vector<store_change>& changes, uint64_t revision);
/// Reads it back; a text that is none of ours means "anything may have changed".
std::vector<store_news> decode_news(std::string_view text);

/// Listens from its construction to its destruction. After every gap in the connection the watchers
/// are told that anything may have changed.
class listener {
 public:
  listener(std::string connection, std::shared_ptr<store_watchers> watchers);
  ~listener();
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

 private:
  void run();
  /// Until the connection is lost (by exception), or the end (by return).
  void listen();
  /// Returns true if the end came first.
  bool pause(std::chrono::milliseconds time) const;

  const std::string connection_;
  const std::shared_ptr<store_watchers> watchers_;
  const int wake_;  // an eventfd: readable from the moment on that the thread has to end
  unsigned failures_ = 0;
  std::thread thread_;
};

}  // namespace postern::runtime::postgres
