#include "runtime/name_resolver.hpp"

#include "runtime/limits.hpp"

#include <algorithm>
#include <netdb.h>
#include <netinet/in.h>
#include <system_error>
#include <thread>

namespace postern::runtime {

asio::execution_context::id name_resolver::id;

namespace {

asio::ip::address address_of(const addrinfo& found) {
  if (found.ai_family == AF_INET) {
    const auto& v4 = *reinterpret_cast<const sockaddr_in*>(found.ai_addr);
    return asio::ip::address_v4{ntohl(v4.sin_addr.s_addr)};
  }
  const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(found.ai_addr);
  asio::ip::address_v6::bytes_type bytes;
  std::copy_n(v6.sin6_addr.s6_addr, bytes.size(), bytes.begin());
  return asio::ip::address_v6{bytes, v6.sin6_scope_id};
}

name_answer ask_machine(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_ADDRCONFIG;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  name_answer answer;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0) {
    answer.failure = ::gai_strerror(code);
    answer.temporary = code == EAI_AGAIN || code == EAI_SYSTEM || code == EAI_MEMORY;
    return answer;
  }
  for (const auto* one = list; one != nullptr; one = one->ai_next)
    if (one->ai_family == AF_INET || one->ai_family == AF_INET6)
      answer.addresses.push_back(address_of(*one));
  ::freeaddrinfo(list);
  if (answer.addresses.empty()) answer.failure = "no address";
  return answer;
}

}  // namespace

address_list order_for_trying(address_list addresses, const asio::ip::address& preferred) {
  address_list out;
  out.reserve(addresses.size());
  if (const auto at = std::ranges::find(addresses, preferred); at != addresses.end()) {
    out.push_back(*at);
    addresses.erase(at);
  }
  bool v6 = out.empty() ? !addresses.empty() && addresses.front().is_v6() : !out.front().is_v6();
  while (!addresses.empty()) {
    auto next = std::ranges::find_if(addresses, [&](const auto& a) { return a.is_v6() == v6; });
    if (next == addresses.end()) next = addresses.begin();
    v6 = !next->is_v6();
    out.push_back(*next);
    addresses.erase(next);
  }
  return out;
}

name_resolver& name_resolver::of(shard& home) {
  auto& self = asio::use_service<name_resolver>(home.io());
  if (self.desk_->home == nullptr) {
    const std::lock_guard lock{self.desk_->mutex};
    self.desk_->home = &home;
  }
  return self;
}

void name_resolver::shutdown() {
  // Threads that still wait for their answer find the desk closed.
  const std::lock_guard lock{desk_->mutex};
  desk_->home = nullptr;
}

std::shared_ptr<name_lookup> name_resolver::ask(const std::string& host) {
  if (names_.size() >= limits::names_remembered) forget_old();
  auto& known = names_[host];
  if (known.lookup && (!known.lookup->done || clock::now() < known.asked_until))
    return known.lookup;
  known.lookup = std::make_shared<name_lookup>();
  auto asked = known.lookup;
  if (running_ < limits::name_threads)
    start(host);
  else
    line_.push_back(host);
  return asked;
}

void name_resolver::start(const std::string& host) {
  ++running_;
  auto work = [this, desk = desk_, host, look_up = look_up_ ? look_up_ : ask_machine] {
    auto answer = look_up(host);
    const std::lock_guard lock{desk->mutex};
    // An open desk means that the resolver is there; the shard that it lives on runs this.
    if (desk->home)
      desk->home->post(
          [this, host, answer = std::move(answer)]() mutable { finish(host, std::move(answer)); });
  };
  try {
    std::thread{std::move(work)}.detach();
  } catch (const std::system_error& why) {
    finish(host, {{}, why.what(), true});
  }
}

void name_resolver::finish(const std::string& host, name_answer answer) {
  --running_;
  auto& known = names_[host];
  const auto now = clock::now();
  if (!answer.addresses.empty()) {
    known.asked_until = now + limits::name_ttl;
    known.last_good = answer.addresses;
    known.good_until = now + limits::name_stale;
  } else {
    known.asked_until = now + limits::name_failure_ttl;
    if (answer.temporary && now < known.good_until) answer.addresses = known.last_good;
  }
  if (known.lookup) {
    known.lookup->answer = std::move(answer);
    known.lookup->done = true;
    for (auto* point : std::exchange(known.lookup->waiting, {}))
      point->wake();
  }
  if (line_.empty()) return;
  const auto next = std::move(line_.front());
  line_.erase(line_.begin());
  start(next);
}

void name_resolver::prefer(const std::string& host, const asio::ip::address& address) {
  if (const auto known = names_.find(host); known != names_.end())
    known->second.preferred = address;
}

asio::ip::address name_resolver::preferred(const std::string& host) const {
  const auto known = names_.find(host);
  return known == names_.end() ? asio::ip::address{} : known->second.preferred;
}

void name_resolver::forget_old() {
  const auto now = clock::now();
  std::erase_if(names_, [&](const auto& one) {
    return (!one.second.lookup || one.second.lookup->done) && now >= one.second.asked_until;
  });
}

}  // namespace postern::runtime
