#include "sts/lock_out.hpp"

#include "sts/limits.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace postern::sts {

namespace {

std::string name_key(std::string_view name) {
  std::string key = "n:";
  // Names are told apart by case at sign-in, but not for guessing: "Ada" and "ada" are one victim.
  // Nobody's name is longer, and memory is bounded by the number of entries.
  for (char c : name.substr(0, limits::name))
    key += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return key;
}

std::string address_key(std::string_view address) {
  return "a:" + sender_of(address);
}

}  // namespace

std::chrono::seconds lock_out::begin(std::string_view name, std::string_view address) {
  std::lock_guard lock{mutex_};
  auto now = runtime::to_unix_seconds(clock_.now());
  auto name_is = name_key(name);
  auto address_is = address_key(address);
  // Looked up, not entered: a blocked address that makes up names must not push its victim's entry
  // out of memory.
  int64_t until = now;
  for (const auto* known : {find(name_is), find(address_is)})
    if (known != nullptr) until = std::max(until, known->blocked_until);
  if (until > now) return std::chrono::seconds{until - now};
  auto& of_name = touch(std::move(name_is));
  auto& of_address = touch(std::move(address_is));
  forgive(of_name, limits::forgive_name_after, now);
  forgive(of_address, limits::forgive_address_after, now);
  count(of_name, limits::failures_of_name, now);
  count(of_address, limits::failures_of_address, now);
  return std::chrono::seconds{0};
}

void lock_out::succeeded(std::string_view name, std::string_view address) {
  std::lock_guard lock{mutex_};
  auto& of_name = touch(name_key(name));
  of_name.failures = 0;
  of_name.blocked_until = 0;
  auto& of_address = touch(address_key(address));
  if (of_address.failures > 0) --of_address.failures;
  of_address.blocked_until = 0;
}

lock_out::entry* lock_out::find(std::string_view key) {
  auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front();
}

lock_out::entry& lock_out::touch(std::string key) {
  if (auto* known = find(key)) return *known;
  entries_.push_front({std::move(key)});
  by_key_.emplace(entries_.front().key, entries_.begin());
  if (entries_.size() > limits::lock_out_entries) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return entries_.front();
}

void lock_out::forgive(entry& e, std::chrono::seconds after, int64_t now) const {
  if (e.failures == 0 || now <= e.counted_at) return;
  auto forgiven = (now - e.counted_at) / after.count();
  e.failures -= static_cast<unsigned>(std::min<int64_t>(forgiven, e.failures));
}

void lock_out::count(entry& e, unsigned allowed, int64_t now) {
  ++e.failures;
  e.counted_at = now;
  if (e.failures < allowed) return;
  auto doublings = std::min(e.failures - allowed, 20U);
  e.blocked_until = now + std::min<int64_t>(int64_t{1} << doublings, limits::longest_delay.count());
}

std::string sender_of(std::string_view address) {
  boost::system::error_code failed;
  auto parsed = boost::asio::ip::make_address(std::string{address}, failed);
  if (failed || !parsed.is_v6()) return std::string{address};
  auto v6 = parsed.to_v6();
  if (v6.is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), uint8_t{0});
  return boost::asio::ip::address_v6{bytes}.to_string() + "/64";
}

}  // namespace postern::sts
