#include "edge/traffic_limits.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace postern::edge {

std::string limited_network(std::string_view address) {
  boost::system::error_code failure;
  const auto ip = boost::asio::ip::make_address(address, failure);
  if (failure || !ip.is_v6()) return std::string{address};
  auto bytes = ip.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), uint8_t{0});
  return boost::asio::ip::address_v6{bytes}.to_string() + "/64";
}

traffic_limits::stripe& traffic_limits::stripe_of(std::string_view key) noexcept {
  return stripes_[std::hash<std::string_view>{}(key) % stripe_count];
}

bool traffic_limits::open_connection(std::string_view address) {
  const auto most = options_.connections_per_address;
  if (most == 0) return true;
  const auto key = limited_network(address);
  auto& in = stripe_of(key);
  std::lock_guard lock{in.mutex};
  auto& open = in.connections[key];
  if (open >= most) return false;
  ++open;
  return true;
}

void traffic_limits::close_connection(std::string_view address) noexcept {
  if (options_.connections_per_address == 0) return;
  const auto key = limited_network(address);
  auto& in = stripe_of(key);
  std::lock_guard lock{in.mutex};
  const auto i = in.connections.find(key);
  if (i != in.connections.end() && --i->second == 0) in.connections.erase(i);
}

bool traffic_limits::take_of_address(std::string_view address, time_point now) {
  const auto rate = options_.requests_per_address;
  return rate == 0 || take(limited_network(address), rate, now);
}

bool traffic_limits::take_of_application(std::string_view application, time_point now) {
  const auto rate = options_.requests_per_application;
  // No address begins like this.
  return rate == 0 || take("=" + std::string{application}, rate, now);
}

bool traffic_limits::take(const std::string& key, uint32_t rate, time_point now) {
  auto& in = stripe_of(key);
  std::lock_guard lock{in.mutex};
  if (in.buckets.size() >= most_buckets) forget_full(in, rate, now);
  auto [i, fresh] = in.buckets.try_emplace(key, bucket{static_cast<double>(rate), now});
  auto& b = i->second;
  if (!fresh) {
    const auto passed = std::chrono::duration<double>(now - b.filled_at).count();
    b.left = std::min<double>(rate, b.left + std::max(0.0, passed) * rate);
    b.filled_at = now;
  }
  if (b.left < 1) return false;
  b.left -= 1;
  return true;
}

void traffic_limits::forget_full(stripe& in, uint32_t rate, time_point now) {
  std::erase_if(in.buckets, [&](const auto& entry) {
    const auto& b = entry.second;
    return now - b.filled_at >= std::chrono::seconds{1} || b.left >= rate;
  });
  // An attack from everywhere at once: who comes again begins with a full bucket.
  if (in.buckets.size() >= most_buckets) in.buckets.clear();
}

}  // namespace postern::edge
