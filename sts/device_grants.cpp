#include "sts/device_grants.hpp"

#include "runtime/encoding.hpp"
#include "sts/limits.hpp"
#include "sts/lock_out.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace postern::sts {

namespace {

// RFC 8628, 6.1: consonants only, so no code spells a word; 20^8 of them are 34 bits.
constexpr std::string_view alphabet = "BCDFGHJKLMNPQRSTVWXZ";
constexpr size_t letters = 8;

// A client that keeps to the interval must not be told slow_down for the jitter of timers and
// networks.
constexpr std::chrono::milliseconds poll_tolerance{500};

// Between two looks at the store: whoever guesses codes must not make every node read all the time.
constexpr std::chrono::milliseconds refresh_interval{250};

std::string canonical(std::string_view typed) {
  std::string code;
  for (char c : typed) {
    if (c == '-' || c == ' ') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    if (code.size() == letters || alphabet.find(c) == std::string_view::npos) return {};
    code += c;
  }
  if (code.size() == letters) code.insert(letters / 2, 1, '-');
  return code;
}

}  // namespace

oauth_result<device_grants::started> device_grants::start(std::string client_id, std::string scope,
                                                          std::string_view address) {
  std::lock_guard lock{mutex_};
  auto now = clock_.now();
  refresh();
  drop_old(now);
  auto sender = sender_of(address);
  auto known = per_address_.find(sender);
  auto from_there = known == per_address_.end() ? 0 : known->second;
  if (entries_.size() >= limits::device_grants || from_there >= limits::device_grants_per_address)
    return oauth_error{"temporarily_unavailable",
                       "too many devices are signing in, try again later"};
  started result{random_.token(32), fresh_user_code()};
  entry e{runtime::sha256(result.device_code),
          result.user_code,
          std::move(client_id),
          std::move(scope),
          std::string{address},
          now + lifetime_,
          {},
          limits::device_interval};
  // Somebody else's code by chance: nothing lost by another attempt.
  if (share(e) == outcome::lost) return oauth_error{"temporarily_unavailable", "try again"};
  add(std::move(e));
  return result;
}

void device_grants::add(entry e) {
  entries_.push_back(std::move(e));
  const auto at = std::prev(entries_.end());
  by_code_hash_.emplace(at->code_hash, at);
  by_user_code_.emplace(at->user_code, at);
  ++per_address_[sender_of(at->address)];
}

std::optional<device_grants::waiting> device_grants::find(std::string_view typed_code) {
  std::lock_guard lock{mutex_};
  refresh();
  auto found = find_waiting(typed_code);
  if (!found) return std::nullopt;
  return waiting{(*found)->client_id, (*found)->address, (*found)->user_code};
}

bool device_grants::decide(std::string_view user_code, std::optional<session> who) {
  std::lock_guard lock{mutex_};
  refresh();
  auto found = find_waiting(user_code);
  if (!found) return false;
  auto& e = **found;
  e.now_in = who ? state::allowed : state::denied;
  if (who) e.who = std::move(*who);
  return share_decision(e) != outcome::lost;
}

oauth_result<device_grants::allowed> device_grants::poll(std::string_view device_code,
                                                         std::string_view client_id) {
  std::lock_guard lock{mutex_};
  refresh();
  auto found = by_code_hash_.find(runtime::sha256(device_code));
  if (found == by_code_hash_.end() || found->second->client_id != client_id)
    return oauth_error{"invalid_grant", "the device code is not one of this client"};
  auto at = found->second;
  auto now = clock_.now();
  if (at->expires <= now)
    return oauth_error{"expired_token", "nobody decided in time, ask for new codes"};
  if (at->now_in != state::waiting && !at->unsaved) {
    const auto taken = take(*at);
    if (taken == outcome::done) return tell(at);
    if (taken == outcome::lost) {
      erase(at);
      return oauth_error{"invalid_grant", "the device code was used"};
    }
  }
  auto early = at->last_poll && now - *at->last_poll < at->interval - poll_tolerance;
  at->last_poll = now;
  if (!early) return oauth_error{"authorization_pending", "there is no decision yet"};
  at->interval += limits::device_interval;
  return oauth_error{"slow_down", "wait longer between two requests"};
}

oauth_result<device_grants::allowed> device_grants::tell(position at) {
  const bool denied = at->now_in == state::denied;
  allowed result{std::move(at->scope), std::move(at->who)};
  erase(at);
  if (denied) return oauth_error{"access_denied", "the user refused"};
  return result;
}

void device_grants::erase(position at) {
  auto sender = per_address_.find(sender_of(at->address));
  if (sender != per_address_.end() && --sender->second == 0) per_address_.erase(sender);
  by_code_hash_.erase(at->code_hash);
  by_user_code_.erase(at->user_code);
  entries_.erase(at);
}

// -- other nodes ----------------------------------------------------------------------------------

void device_grants::refresh() {
  const auto now = clock_.now();
  if (!shared_ || now < next_refresh_) return;
  next_refresh_ = now + refresh_interval;
  const auto all = shared_->load();
  if (!all) return;
  bool writable = true;
  std::set<std::string, std::less<>> there;
  std::vector<std::string> old;
  for (const auto& [user_code, grant, revision] : *all) {
    there.insert(user_code);
    const auto expires = runtime::from_unix_seconds(grant.expires_at);
    if (expires + lifetime_ <= now) old.push_back(user_code);
    auto known = by_user_code_.find(user_code);
    if (known == by_user_code_.end()) {
      add({grant.code_hash,
           user_code,
           grant.client_id,
           grant.scope,
           grant.address,
           expires,
           {},
           limits::device_interval});
      known = by_user_code_.find(user_code);
    }
    auto& e = *known->second;
    e.revision = revision;
    if (grant.decision == 0 && e.now_in != state::waiting) {
      // Decided here while the store was down. If it is down again, the next look writes it.
      writable = writable && share_decision(e) != outcome::unknown;
      continue;
    }
    e.unsaved = false;
    e.now_in = static_cast<state>(std::min<uint8_t>(grant.decision, 2));
    e.who = {grant.user, grant.auth_time, grant.session_id};
  }
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto here = at++;
    if (here->revision != 0 && !there.contains(here->user_code)) erase(here);
  }
  shared_->forget(old);
}

device_grants::outcome device_grants::share_decision(entry& e) {
  if (!shared_ || e.revision == 0) return outcome::done;
  const auto shared = share(e);
  e.unsaved = shared == outcome::unknown;
  if (shared == outcome::lost) {
    // What the other node has decided comes with the next look at the store.
    e.now_in = state::waiting;
    e.who = {};
  }
  return shared;
}

device_grants::outcome device_grants::share(entry& e) {
  if (!shared_) return outcome::done;
  const shared_grant grant{e.code_hash,
                           e.client_id,
                           e.scope,
                           e.address,
                           runtime::to_unix_seconds(e.expires),
                           static_cast<uint8_t>(e.now_in),
                           e.who.user,
                           e.who.auth_time,
                           e.who.id};
  const auto put = shared_->put(e.user_code, grant, e.revision);
  if (put) e.revision = *put;
  return outcome_of(put);
}

device_grants::outcome device_grants::take(const entry& e) {
  if (!shared_ || e.revision == 0) return outcome::done;
  return outcome_of(shared_->take(e.user_code, e.revision));
}

template <class T>
device_grants::outcome device_grants::outcome_of(const runtime::result<T>& change) {
  if (change) return outcome::done;
  const bool conflict = change.error().category == runtime::error_category::conflict;
  return conflict ? outcome::lost : outcome::unknown;
}

void device_grants::drop_old(runtime::timestamp now) {
  // Kept for as long again, so that a device that asks late learns why it got nothing.
  while (!entries_.empty() && entries_.front().expires + lifetime_ <= now)
    erase(entries_.begin());
}

std::string device_grants::fresh_user_code() {
  for (;;) {
    std::string code;
    for (size_t i = 0; i < letters; ++i) {
      if (i == letters / 2) code += '-';
      code += alphabet[random_.below(alphabet.size())];
    }
    if (!by_user_code_.contains(code)) return code;
  }
}

std::optional<device_grants::position> device_grants::find_waiting(
    std::string_view typed_code) const {
  auto found = by_user_code_.find(canonical(typed_code));
  if (found == by_user_code_.end()) return std::nullopt;
  auto at = found->second;
  if (at->now_in != state::waiting || at->expires <= clock_.now()) return std::nullopt;
  return at;
}

}  // namespace postern::sts
