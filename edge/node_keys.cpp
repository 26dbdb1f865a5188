#include "edge/node_keys.hpp"

#include "runtime/files.hpp"

#include <algorithm>

namespace postern::edge {

using runtime::error;
using runtime::error_category;
using runtime::result;

namespace {

constexpr const char* record_kind = "sealing_key";
constexpr std::string_view wrap_purpose = "sealing_key";
constexpr int64_t seals_for = int64_t{30} * 24 * 3600;
constexpr int64_t opens_for = int64_t{90} * 24 * 3600;

/// One cookie key as it stands in the store, before wrapping.
struct dated_key {
  runtime::sealing_key key;
  int64_t made_at = 0;
};

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
    const auto separator = opened->find(':');
    auto decoded = runtime::decode_sealing_keys(std::string_view{*opened}.substr(separator + 1));
    if (separator == std::string::npos || !decoded || decoded->size() != 1)
      return error{error_category::invalid_input, "cookie_key_malformed", "service", record.key};
    keys.push_back({decoded->front(), std::stoll(opened->substr(0, separator))});
  }
  std::sort(keys.begin(), keys.end(),
            [](const auto& a, const auto& b) { return a.made_at > b.made_at; });
  return keys;
}

result<dated_key> add_cookie_key(runtime::store& store, const runtime::key_ring& wrapping,
                                 int64_t now, runtime::random_source& random) {
  dated_key fresh{runtime::make_sealing_key(random), now};
  const auto plain = std::to_string(now) + ":" + runtime::encode_sealing_keys({fresh.key});
  runtime::store_change put{runtime::store_change::action::put, record_kind, fresh.key.id,
                            wrapping.seal(plain, wrap_purpose), 0};
  if (auto stored = store.commit({put}); !stored) return stored.error();
  return fresh;
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
  std::erase_if(*keys, [&](const auto& k) { return k.made_at + opens_for < now; });
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
  std::erase_if(*keys, [&](const auto& k) { return k.made_at + opens_for < now; });
  if (keys->empty() || keys->front().made_at + seals_for < now) {
    auto fresh = add_cookie_key(store, **wrapping, now, random);
    if (!fresh) return fresh.error();
    keys->insert(keys->begin(), *fresh);
  }
  return make_ring(*wrapping, std::move(*keys), now, random, sharing);
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
