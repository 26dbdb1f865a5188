#pragma once
// HTTP/2 connections to origins: few per origin and shard, each shared by many exchanges.

#include "connector/origin_table.hpp"
#include "runtime/http2_session.hpp"
#include "runtime/wait_point.hpp"

#include <chrono>
#include <memory>
#include <unordered_map>
#include <vector>

namespace postern::connector {

/// One connection. Kept alive by its coroutine, its pool and its streams; lives on one shard.
class http2_origin final : private runtime::http2_owner {
 public:
  http2_origin(runtime::shard& home, runtime::transport connection);

  /// Serves until the connection ends. Call once.
  runtime::awaitable<void> run();

  runtime::http2_session& session() noexcept { return session_; }
  /// Whether it may be given another exchange at all.
  bool is_usable() const noexcept { return !ended_ && !retired_ && !session_.going_away(); }
  /// Whether that would begin at once, by the limit that the origin has set.
  bool has_room() const noexcept;
  /// Waits until the origin has said its settings: so it does speak HTTP/2, and its limits hold
  /// from the first stream on. Errors: "origin_protocol", or "connect_timeout" if it is silent.
  runtime::awaitable<runtime::result<void>> settle(std::chrono::milliseconds timeout);
  /// Rises with whatever arrives.
  uint64_t heard() const noexcept { return heard_; }
  /// Nothing runs on it, and nothing has for that long.
  bool is_idle_for(std::chrono::milliseconds time) const noexcept;

  /// Takes no more exchanges and ends after those that run.
  void retire();
  /// One of its streams has ended.
  void on_stream_closed();

 private:
  void on_heard() override { ++heard_; }
  void on_settings() override;
  void on_going_away() override { retire(); }

  runtime::http2_session session_;
  std::chrono::steady_clock::time_point idle_since_;
  runtime::coarse_timer deadline_;
  uint64_t heard_ = 0;
  bool has_settings_ = false;
  bool retired_ = false;
  bool ended_ = false;
  runtime::wait_point settled_;
};

/// A connection that is being made, for everybody who needs it.
struct http2_dial {
  bool done = false;
  /// Why it failed, if the pool has no connection then. Causes as of runtime::dial(), and of
  /// http2_origin::settle().
  runtime::error failure{.category = runtime::error_category::none};
  std::vector<runtime::wait_point*> waiting;  ///< woken once it is done
};

/// All of one shard. Bounds: limits::http2_connections per origin, origin_idle_timeout each.
class http2_origins {
 public:
  explicit http2_origins(runtime::shard& home) : home_(home) {}

  /// A connection for another exchange, or null: dial() then, or wait for what it returned.
  std::shared_ptr<http2_origin> find(uint64_t origin_id);

  /// The dial that is under way to an origin, or a new one. `table` keeps `to` alive.
  std::shared_ptr<http2_dial> dial(std::shared_ptr<const origin_table> table, const origin& to);

  /// Lets connections end to origins that a new configuration no longer has.
  void retain(const origin_table& current);

  /// Ends all.
  void clear();

  size_t size() const noexcept;

 private:
  struct connections {
    std::vector<std::shared_ptr<http2_origin>> open;
    std::shared_ptr<http2_dial> dialling;
  };

  runtime::awaitable<void> connect(std::shared_ptr<const origin_table> table, const origin& to,
                                   std::shared_ptr<http2_dial> pending);
  void sweep();
  void arm_sweep();

  runtime::shard& home_;
  std::unordered_map<uint64_t, connections> by_origin_;
  runtime::coarse_timer sweep_timer_;
};

}  // namespace postern::connector
