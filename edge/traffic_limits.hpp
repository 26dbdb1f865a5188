#pragma once
// Limits per address and per application ([limits] of node.toml): how many connections an address
// may have, and how many requests a second it, or an application, may get. Shared by all shards.

#include "config/node.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace postern::edge {

/// Whom a limit counts as one: an IPv4 address, or an IPv6 network of 64 bits, which is what one
/// household gets.
std::string limited_network(std::string_view address);

/// Any thread; a lock that is held for some map look-ups. What is not limited costs nothing.
class traffic_limits {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit traffic_limits(const config::limit_options& options) : options_(options) {}

  /// False: the address has as many as it may. True has to be paid back with close_connection().
  bool open_connection(std::string_view address);
  void close_connection(std::string_view address) noexcept;

  /// Counts a request of an address, and one for an application. False: too many within the last
  /// second or so; the next one may come in retry_after.
  bool take_of_address(std::string_view address, time_point now);
  bool take_of_application(std::string_view application, time_point now);

  /// A bucket that is empty has room again within this.
  static constexpr std::chrono::seconds retry_after{1};

 private:
  /// What is left of a second's worth.
  struct bucket {
    double left = 0;
    time_point filled_at;
  };
  struct stripe {
    std::mutex mutex;
    std::unordered_map<std::string, bucket> buckets;
    std::unordered_map<std::string, uint32_t> connections;
  };

  static constexpr size_t stripe_count = 16;
  /// Buckets of one stripe before those that are full again are thrown away.
  static constexpr size_t most_buckets = 8'192;

  stripe& stripe_of(std::string_view key) noexcept;
  bool take(const std::string& key, uint32_t rate, time_point now);
  static void forget_full(stripe& in, uint32_t rate, time_point now);

  const config::limit_options& options_;
  std::array<stripe, stripe_count> stripes_;
};

/// One connection's place, given back at its end. Test it first: it may have got none.
class connection_place {
 public:
  connection_place(traffic_limits& limits, const std::string& address)
      : limits_(limits), address_(address), taken_(limits.open_connection(address)) {}
  ~connection_place() { give_back(); }
  connection_place(const connection_place&) = delete;
  connection_place& operator=(const connection_place&) = delete;

  explicit operator bool() const noexcept { return taken_; }
  void give_back() noexcept {
    if (taken_) limits_.close_connection(address_);
    taken_ = false;
  }

 private:
  traffic_limits& limits_;
  const std::string address_;
  bool taken_;
};

}  // namespace postern::edge
