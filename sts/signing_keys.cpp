#include "sts/signing_keys.hpp"

#include "sts/limits.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <optional>

namespace postern::sts {

namespace {

constexpr const char* kind = "sts_key";

runtime::error unreadable(const runtime::stored_record& record, std::string why) {
  return {runtime::error_category::internal, "sts_key_unreadable", "sts",
          "signing key " + record.key + ": " + std::move(why)};
}

}  // namespace

signing_keys::signing_keys(const options& settings, runtime::store& store,
                           std::shared_ptr<const runtime::key_ring> ring,
                           const runtime::wall_clock& clock)
    : rotation_age_(settings.key_rotation_age.count()),
      lead_(settings.key_publication_lead.count()),
      retention_(std::max({settings.key_retention, settings.id_token_lifetime,
                           settings.access_token_lifetime})
                     .count()),
      store_(store),
      ring_(std::move(ring)),
      clock_(clock) {}

runtime::result<void> signing_keys::start() {
  std::lock_guard lock{mutex_};
  auto records = store_.load(kind);
  if (!records) return records.error();
  auto entries = load();
  if (!entries) return entries.error();
  std::vector<runtime::store_change> stale;
  for (const auto& record : *records) {
    auto same = [&](const entry& e) { return e.key.key_id() == record.key; };
    auto found = std::find_if(entries->begin(), entries->end(), same);
    if (found == entries->end() || record.value.starts_with(ring_->current_id() + ".")) continue;
    stale.push_back(record_of(*found));
    stale.back().expected_revision = record.revision;
  }
  if (!stale.empty())
    if (auto sealed = store_.commit(stale); !sealed) return sealed.error();
  auto now = runtime::to_unix_seconds(clock_.now());
  if (entries->empty())
    if (auto made = add_key(*entries, now); !made) return made;
  if (auto published = publish(std::move(*entries)); !published) return published;
  return maintain(now);
}

runtime::result<void> signing_keys::refresh() {
  std::lock_guard lock{mutex_};
  auto entries = load();
  if (!entries) return entries.error();
  if (entries->empty()) return {};
  if (auto published = publish(std::move(*entries)); !published) return published;
  next_check_ = 0;
  return {};
}

runtime::result<std::string> signing_keys::sign(const boost::json::object& claims,
                                                std::string_view type) {
  auto keys = current();
  auto now = runtime::to_unix_seconds(clock_.now());
  const entry* chosen = &keys->entries.front();
  for (const auto& e : keys->entries)
    if (e.signs_from <= now) chosen = &e;
  return chosen->key.sign(claims, type);
}

std::string signing_keys::jwks() {
  return current()->jwks;
}

runtime::result<boost::json::object> signing_keys::verify(std::string_view token) {
  return current()->verifier.verify(token);
}

std::shared_ptr<const signing_keys::snapshot> signing_keys::current() {
  std::lock_guard lock{mutex_};
  runtime::ensure(snapshot_ != nullptr, "signing_keys::start() comes first");
  auto now = runtime::to_unix_seconds(clock_.now());
  // The keys at hand still serve when the store does not: rotation is only put off.
  if (now >= next_check_ && !maintain(now)) next_check_ = now + limits::rotation_retry.count();
  return snapshot_;
}

runtime::result<std::vector<signing_keys::entry>> signing_keys::load() const {
  auto records = store_.load(kind);
  if (!records) return records.error();
  std::vector<entry> entries;
  for (const auto& record : *records) {
    auto plain = ring_->open(record.value, kind);
    if (!plain) return unreadable(record, plain.error().cause);
    boost::system::error_code failed;
    auto parsed = boost::json::parse(*plain, failed);
    const auto* fields = failed ? nullptr : parsed.if_object();
    const auto* jwk = fields ? fields->if_contains("jwk") : nullptr;
    const auto* signs_from = fields ? fields->if_contains("signs_from") : nullptr;
    if (!jwk || !jwk->is_string() || !signs_from || !signs_from->is_int64())
      return unreadable(record, "not a record of ours");
    auto key = runtime::signing_key::parse(std::string{jwk->get_string()});
    if (!key) return unreadable(record, key.error().cause);
    entries.push_back({*key, signs_from->get_int64()});
  }
  std::sort(entries.begin(), entries.end(),
            [](const entry& a, const entry& b) { return a.signs_from < b.signs_from; });
  return entries;
}

runtime::result<void> signing_keys::maintain(int64_t now) {
  auto due = [&](const std::vector<entry>& entries) {
    return entries.back().signs_from + rotation_age_ - lead_;
  };
  auto entries = snapshot_->entries;
  if (due(entries) <= now) {
    // Another node on the same store may have made the next key already.
    auto stored = load();
    if (!stored) return stored.error();
    if (!stored->empty()) entries = std::move(*stored);
    if (due(entries) <= now)
      if (auto made = add_key(entries, now + lead_); !made) return made;
  }
  std::vector<runtime::store_change> dropped;
  while (entries.size() > 1 && entries[1].signs_from + retention_ <= now) {
    dropped.push_back(
        {runtime::store_change::action::erase, kind, entries.front().key.key_id(), {}, {}});
    entries.erase(entries.begin());
  }
  if (!dropped.empty())
    if (auto erased = store_.commit(dropped); !erased) return erased.error();
  next_check_ = due(entries);
  if (entries.size() > 1) next_check_ = std::min(next_check_, entries[1].signs_from + retention_);
  return publish(std::move(entries));
}

runtime::result<void> signing_keys::add_key(std::vector<entry>& entries, int64_t signs_from) const {
  auto key = runtime::signing_key::generate();
  if (!key) return key.error();
  entry fresh{*key, signs_from};
  auto change = record_of(fresh);
  change.expected_revision = 0;
  if (auto stored = store_.commit({change}); !stored) return stored.error();
  entries.push_back(std::move(fresh));
  return {};
}

runtime::result<void> signing_keys::publish(std::vector<entry> entries) {
  boost::json::array keys;
  for (const auto& e : entries)
    keys.push_back(e.key.public_jwk());
  boost::json::object document;
  document["keys"] = std::move(keys);
  auto text = boost::json::serialize(document);
  auto verifier = runtime::key_set::parse(text);
  if (!verifier) return verifier.error();
  auto fresh = std::make_shared<snapshot>();
  fresh->entries = std::move(entries);
  fresh->jwks = std::move(text);
  fresh->verifier = *verifier;
  snapshot_ = std::move(fresh);
  return {};
}

runtime::store_change signing_keys::record_of(const entry& e) const {
  boost::json::object fields;
  fields["jwk"] = e.key.private_jwk();
  fields["signs_from"] = e.signs_from;
  return {runtime::store_change::action::put,
          kind,
          e.key.key_id(),
          ring_->seal(boost::json::serialize(fields), kind),
          {}};
}

}  // namespace postern::sts
