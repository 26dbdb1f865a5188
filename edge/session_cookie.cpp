#include "edge/session_cookie.hpp"

#include "edge/relying_party.hpp"
#include "runtime/blob.hpp"
#include "runtime/encoding.hpp"
#include "runtime/log.hpp"

#include <cereal/types/vector.hpp>

#include <algorithm>
#include <unordered_set>

namespace postern::edge {

namespace {

constexpr std::string_view purpose = "session";
constexpr std::string_view by_group = "group:";

using group_set = std::unordered_set<std::string_view>;

void add_groups(group_set& to, const config::application& a) {
  for (const std::string_view entry : a.assigned)
    if (entry.starts_with(by_group)) to.insert(entry.substr(by_group.size()));
}

/// The cookie of a session as it is now; empty if it is too long.
class cookie_writer {
 public:
  cookie_writer(const config::application& a, const runtime::key_ring& ring, int64_t now)
      : application_(a), ring_(ring), now_(now), name_(session_cookie_name(a)) {}

  std::string write(const actors::access_session& session) const {
    std::optional<int64_t> max_age;
    // At least a second: 0 would mean "forget it".
    if (application_.persistent_cookie) max_age = std::max<int64_t>(session.expires_at - now_, 1);
    auto text =
        make_set_cookie(application_, name_, ring_.seal(runtime::encode_blob(session), purpose),
                        max_age, application_.http_only_cookie);
    return text.size() < cookie_limit ? text : std::string{};
  }

 private:
  const config::application& application_;
  const runtime::key_ring& ring_;
  int64_t now_;
  std::string name_;
};

/// Writes with as many of the groups, from the first one on, as fit. Empty if none of it fits.
std::string write_with_groups(actors::access_session& session,
                              const std::vector<std::string>& groups, const cookie_writer& writer) {
  auto write_with = [&](size_t count) {
    session.user.groups.assign(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(count));
    return writer.write(session);
  };
  auto best = write_with(groups.size());
  if (!best.empty()) return best;
  size_t fits = 0, too_many = groups.size();
  best = write_with(fits);
  while (!best.empty() && too_many - fits > 1) {
    const auto middle = fits + (too_many - fits) / 2;
    auto text = write_with(middle);
    (text.empty() ? too_many : fits) = middle;
    if (!text.empty()) best = std::move(text);
  }
  session.user.groups.assign(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(fits));
  return best;
}

}  // namespace

std::string session_cookie_name(const config::application& a) {
  constexpr size_t hash_bytes = 4;
  if (application_path(a) == "/") return own_cookie_name(a, "postern");
  const auto digest = runtime::sha256(a.name);
  return own_cookie_name(
      a,
      "postern-" + runtime::to_hex({reinterpret_cast<const uint8_t*>(digest.data()), hash_bytes}));
}

std::vector<std::string> groups_that_matter(const std::vector<std::string>& groups,
                                            const config::application& a,
                                            const config::published& published) {
  group_set here, anywhere;
  add_groups(here, a);
  for (const auto& other : published.applications)
    add_groups(anywhere, other);
  std::vector<std::string> kept;
  std::ranges::copy_if(groups, std::back_inserter(kept),
                       [&](const auto& g) { return here.contains(g) || anywhere.contains(g); });
  std::ranges::stable_partition(kept, [&](const auto& g) { return here.contains(g); });
  return kept;
}

std::string make_session_cookie(actors::access_session& session, const config::application& a,
                                const config::published& published, const runtime::key_ring& ring,
                                int64_t now) {
  const auto groups = groups_that_matter(session.user.groups, a, published);
  const cookie_writer writer{a, ring, now};
  auto text = write_with_groups(session, groups, writer);
  if (session.user.groups.size() == groups.size() && !text.empty()) return text;
  if (text.empty()) {
    // Names as long as this are somebody's mistake; who the user is stays.
    session.user.display_name.clear();
    session.user.email.clear();
    text = write_with_groups(session, groups, writer);
  }
  runtime::log_event(spdlog::level::warn, "session_cookie_trimmed",
                     {{"application", a.name},
                      {"user", session.user.name},
                      {"groups", std::to_string(groups.size())},
                      {"kept", std::to_string(session.user.groups.size())}});
  return text;
}

std::string clear_session_cookie(const config::application& a) {
  return make_set_cookie(a, session_cookie_name(a), {}, 0, a.http_only_cookie);
}

runtime::result<actors::access_session> open_session(std::string_view sealed,
                                                     const runtime::key_ring& ring) {
  auto plain = ring.open(sealed, purpose);
  if (!plain) {
    auto why = plain.error();
    why.source = "session";
    return why;
  }
  auto session = runtime::decode_blob<actors::access_session>(*plain, cookie_limit);
  if (session) return session;
  return runtime::error{runtime::error_category::unauthenticated, "session_unreadable", "session",
                        session.error().detail};
}

}  // namespace postern::edge
