#include "edge/sign_in_attempt.hpp"

#include "edge/cookies.hpp"
#include "edge/relying_party.hpp"
#include "runtime/blob.hpp"
#include "runtime/encoding.hpp"

#include <algorithm>

namespace postern::edge {

using runtime::error;
using runtime::error_category;

namespace {

constexpr std::string_view purpose = "sign_in_attempt";
constexpr size_t state_bytes = 16;
constexpr size_t state_size = 22;      // of 16 bytes in base64url
constexpr size_t verifier_bytes = 32;  // 43 characters, the least that RFC 7636, 4.1 takes
constexpr size_t shown_digits = 8;

/// Its cookie's name without the digits of the state.
std::string name_base(const config::application& a) {
  return own_cookie_name(a, "postern-attempt-");
}

std::string cookie_name(const config::application& a, std::string_view state) {
  return name_base(a).append(state.substr(0, shown_digits));
}

/// Forgets an attempt by the name of its cookie.
std::string clear(const config::application& a, std::string_view name) {
  return make_set_cookie(a, name, {}, 0, true);
}

runtime::result<sign_in_attempt> open(std::string_view sealed, const runtime::key_ring& ring) {
  const auto plain = ring.open(sealed, purpose);
  if (!plain) return plain.error();
  return runtime::decode_blob<sign_in_attempt>(*plain, cookie_limit);
}

bool is_over(const sign_in_attempt& attempt, int64_t now) {
  return now >= attempt.started_at + std::chrono::seconds{attempt_lifetime}.count();
}

/// An attempt's cookie as the browser sent it.
struct sent_attempt {
  std::string_view name;
  size_t size = 0;
  int64_t started_at = 0;  ///< 0: of no use any more
};

std::vector<sent_attempt> sent_attempts(const config::application& a, std::string_view cookies) {
  std::vector<sent_attempt> found;
  const auto base = name_base(a);
  visit_cookies(cookies, [&](std::string_view name, std::string_view value) {
    if (name.size() == base.size() + shown_digits && name.starts_with(base) && is_own_cookie(name))
      found.push_back({name, name.size() + value.size()});
  });
  return found;
}

}  // namespace

sign_in_attempt make_attempt(const config::application& a, std::string_view target,
                             runtime::random_source& random, int64_t now) {
  return {a.name,
          random.token(state_bytes),
          random.token(state_bytes),
          random.token(verifier_bytes),
          safe_target(a, target),
          now};
}

std::string make_attempt_cookie(sign_in_attempt attempt, const config::application& a,
                                const runtime::key_ring& ring) {
  const auto write = [&] {
    return make_set_cookie(a, cookie_name(a, attempt.state),
                           ring.seal(runtime::encode_blob(attempt), purpose),
                           std::chrono::seconds{attempt_lifetime}.count(), true);
  };
  auto text = write();
  if (text.size() < cookie_limit) return text;
  attempt.target = application_path(a);
  return write();
}

std::string clear_attempt_cookie(const config::application& a, std::string_view state) {
  return clear(a, cookie_name(a, state));
}

runtime::result<sign_in_attempt> find_attempt(const config::application& a,
                                              std::string_view cookies, std::string_view state,
                                              const runtime::key_ring& ring, int64_t now) {
  const error unknown{error_category::invalid_input, "attempt_unknown", "sign_in", {}};
  if (state.size() != state_size) return unknown;
  const auto attempt = open(find_cookie(cookies, cookie_name(a, state)), ring);
  if (!attempt || attempt->application != a.name ||
      !runtime::equal_in_constant_time(attempt->state, state))
    return unknown;
  if (is_over(*attempt, now))
    return error{error_category::invalid_input, "attempt_expired", "sign_in", {}};
  return attempt;
}

std::vector<std::string> drop_old_attempts(const config::application& a, std::string_view cookies,
                                           const runtime::key_ring& ring, int64_t now) {
  auto sent = sent_attempts(a, cookies);
  size_t bytes = 0;
  for (auto& s : sent) {
    bytes += s.size;
    const auto attempt = open(find_cookie(cookies, s.name), ring);
    // One of another application that shares our names and sits above us is not ours to judge, but
    // clearing it below our path does it no harm either.
    if (attempt && attempt->application == a.name && !is_over(*attempt, now))
      s.started_at = attempt->started_at;
  }
  std::ranges::stable_sort(sent, {}, &sent_attempt::started_at);
  std::vector<std::string> cleared;
  size_t left = sent.size();
  for (const auto& s : sent) {
    const bool room = left < attempts_per_browser && bytes + cookie_limit <= attempt_bytes;
    if (room && s.started_at != 0) break;
    cleared.push_back(clear(a, s.name));
    bytes -= s.size;
    --left;
  }
  return cleared;
}

std::vector<std::string> drop_all_attempts(const config::application& a, std::string_view cookies) {
  std::vector<std::string> cleared;
  for (const auto& s : sent_attempts(a, cookies))
    cleared.push_back(clear(a, s.name));
  return cleared;
}

}  // namespace postern::edge
