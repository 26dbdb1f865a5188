#include "edge/node_keys.hpp"

#include "config/node.hpp"
#include "runtime/files.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <charconv>

namespace postern::edge {

using runtime::error;
using runtime::error_category;
using runtime::result;

namespace {

constexpr const char* record_kind = "sealing_key";
constexpr std::string_view wrap_purpose = "sealing_key";
constexpr int64_t seals_for = int64_t{30} * 24 * 3600;
// A day more than any session lasts: a node that has lost a shared store seals with the old key a
// little longer.
constexpr int64_t opens_after = (config::longest_session + std::chrono::hours{24}).count();

/// One cookie key as it stands in the store, before wrapping.
struct dated_key {
  runtime::sealing_key key;
  int64_t made_at = 0;
  int64_t retired_at = 0;  ///< when a node first knew that it seals no more; 0: it may seal still
  uint64_t revision = 0;   ///< of the store
};

std::string encode(const dated_key& k) {
  auto text = std::to_string(k.made_at);
  if (k.retired_at != 0) text += "," + std::to_string(k.retired_at);
  return text + ":" + runtime::encode_sealing_keys({k.key});
}

std::optional<dated_key> decode(std::string_view text) {
  dated_key k;
  const auto* end = text.data() + text.size();
  auto [at, failed] = std::from_chars(text.data(), end, k.made_at);
  if (failed != std::errc{}) return {};
  if (at != end && *at == ',') {
    const auto retired = std::from_chars(at + 1, end, k.retired_at);
    if (retired.ec != std::errc{}) return {};
    at = retired.ptr;
  }
  if (at == end || *at != ':') return {};
  auto keys = runtime::decode_sealing_keys({at + 1, static_cast<size_t>(end - at - 1)});
  if (!keys || keys->size() != 1) return {};
  k.key = keys->front();
  return k;
}

result<std::shared_ptr<const runtime::key_ring>> load_master(const std::string& directory,
                                                             runtime::store& store,
                                                             runtime::random_source& random) {
  const auto path = directory + "/master.key";
  auto blob = runtime::read_file(path);
  if (!blob && blob.error().category != error_category::not_found) return blob.error();
  if (!blob) {
    // A key made now would open nothing of what is there.
    auto wrapped = store.load(record_kind);
    if (!wrapped) return wrapped.error();
    if (!wrapped->empty())
      return error{error_category::invalid_input, "master_key_missing", "service",
                   path + ": the store was begun with another one; copy that file here"};
    blob = runtime::encode_sealing_keys({runtime::make_sealing_key(random)});
    if (auto written = runtime::write_file_atomically(path, *blob, 0600); !written)
      return written.error();
  }
  auto keys = runtime::decode_sealing_keys(*blob);
  if (!keys) return error{error_category::invalid_input, "master_key_malformed", "service", path};
  return std::make_shared<const runtime::key_ring>(std::move(*keys), random);
}

result<std::vector<dated_key>> load_cookie_keys(runtime::store& store,
                                                const runtime::key_ring& wrapping) {
  auto records = store.load(record_kind);
  if (!records) return records.error();
  std::vector<dated_key> keys;
  for (const auto& record : *records) {
    auto opened = wrapping.open(record.value, wrap_purpose);
    if (!opened)
      return error{error_category::invalid_input, "cookie_key_sealed", "service",
                   "another master key wrapped " + record.key};
    auto key = decode(*opened);
    if (!key)
      return error{error_category::invalid_input, "cookie_key_malformed", "service", record.key};
    key->revision = record.revision;
    keys.push_back(std::move(*key));
  }
  std::sort(keys.begin(), keys.end(),
            [](const auto& a, const auto& b) { return a.made_at > b.made_at; });
  return keys;
}

result<dated_key> add_cookie_key(runtime::store& store, const runtime::key_ring& wrapping,
                                 int64_t now, runtime::random_source& random) {
  dated_key fresh{runtime::make_sealing_key(random), now};
  runtime::store_change put{runtime::store_change::action::put, record_kind, fresh.key.id,
                            wrapping.seal(encode(fresh), wrap_purpose), 0};
  auto stored = store.commit({put});
  if (!stored) return stored.error();
  fresh.revision = *stored;
  return fresh;
}

/// Drops the keys whose last cookie has expired; returns the erasures that do the same in the
/// store.
std::vector<runtime::store_change> drop_expired(std::vector<dated_key>& keys, int64_t now) {
  std::vector<runtime::store_change> erasures;
  std::erase_if(keys, [&](const auto& k) {
    if (k.retired_at == 0 || k.retired_at + opens_after > now) return false;
    erasures.push_back(
        {runtime::store_change::action::erase, record_kind, k.key.id, {}, k.revision});
    return true;
  });
  return erasures;
}

/// Notes of the keys behind the one that seals that they seal no more. Until this moment they may
/// have: a node may run for a year with the key of its start.
std::vector<runtime::store_change> retire(const std::vector<dated_key>& keys,
                                          const runtime::key_ring& wrapping,
                                          std::string_view sealing, int64_t now) {
  std::vector<runtime::store_change> writes;
  auto old = std::ranges::find_if(keys, [&](const auto& k) { return k.key.id == sealing; });
  for (; old != keys.end(); ++old) {
    if (old->key.id == sealing || old->retired_at != 0) continue;
    auto retired = *old;
    retired.retired_at = now;
    writes.push_back({runtime::store_change::action::put, record_kind, old->key.id,
                      wrapping.seal(encode(retired), wrap_purpose), old->revision});
  }
  return writes;
}

/// The keys in the order of a ring: first the one that seals, then the others, newest first.
node_keys make_ring(std::shared_ptr<const runtime::key_ring> wrapping, std::vector<dated_key> keys,
                    int64_t now, runtime::random_source& random, key_sharing sharing) {
  node_keys out{std::move(wrapping), nullptr, std::nullopt};
  if (sharing == key_sharing::shared) {
    const auto is_read_everywhere = [now](const auto& k) {
      return k.made_at + seal_lead.count() <= now;
    };
    const auto seals = std::ranges::find_if(keys, is_read_everywhere);
    // Without one that is old enough all nodes are as new as their keys.
    if (seals != keys.end() && seals != keys.begin()) {
      out.next_change = runtime::from_unix_seconds(std::prev(seals)->made_at) + seal_lead;
      std::rotate(keys.begin(), seals, std::next(seals));
    }
  }
  std::vector<runtime::sealing_key> ring;
  ring.reserve(keys.size());
  for (auto& k : keys)
    ring.push_back(std::move(k.key));
  out.cookies = std::make_shared<const runtime::key_ring>(std::move(ring), random);
  return out;
}

}  // namespace

result<node_keys> load_cookie_ring(std::shared_ptr<const runtime::key_ring> wrapping,
                                   runtime::store& store, const runtime::wall_clock& clock,
                                   runtime::random_source& random, key_sharing sharing) {
  auto keys = load_cookie_keys(store, *wrapping);
  if (!keys) return keys.error();
  const auto now = runtime::to_unix_seconds(clock.now());
  drop_expired(*keys, now);
  if (keys->empty()) return error{error_category::not_found, "cookie_key_missing", "service", {}};
  return make_ring(std::move(wrapping), std::move(*keys), now, random, sharing);
}

result<node_keys> load_node_keys(const std::string& directory, runtime::store& store,
                                 const runtime::wall_clock& clock, runtime::random_source& random,
                                 key_sharing sharing) {
  auto wrapping = load_master(directory, store, random);
  if (!wrapping) return wrapping.error();
  auto keys = load_cookie_keys(store, **wrapping);
  if (!keys) return keys.error();
  const auto now = runtime::to_unix_seconds(clock.now());
  auto changes = drop_expired(*keys, now);
  if (keys->empty() || keys->front().made_at + seals_for < now) {
    auto fresh = add_cookie_key(store, **wrapping, now, random);
    if (!fresh) return fresh.error();
    keys->insert(keys->begin(), *fresh);
  }
  auto ring = make_ring(*wrapping, *keys, now, random, sharing);
  std::ranges::move(retire(*keys, **wrapping, ring.cookies->current_id(), now),
                    std::back_inserter(changes));
  // Another node may have noted the same a moment ago; what is not noted now is at the next start.
  if (!changes.empty())
    if (auto noted = store.commit(changes); !noted)
      spdlog::warn("the end of old cookie keys is not noted: {}",
                   runtime::to_string(noted.error()));
  return ring;
}

result<std::string> rotate_cookie_keys(const std::string& directory, runtime::store& store,
                                       const runtime::wall_clock& clock,
                                       runtime::random_source& random) {
  auto wrapping = load_master(directory, store, random);
  if (!wrapping) return wrapping.error();
  auto fresh = add_cookie_key(store, **wrapping, runtime::to_unix_seconds(clock.now()), random);
  if (!fresh) return fresh.error();
  return fresh->key.id;
}

}  // namespace postern::edge
