#include "sts/shared_grants.hpp"

#include "runtime/blob.hpp"

namespace postern::sts {

namespace {

using action = runtime::store_change::action;

constexpr const char* kind = "sts_device_grant";
constexpr size_t largest_record = 16 * 1'024;

}  // namespace

runtime::result<std::vector<shared_grants::found>> shared_grants::load() const {
  const auto records = store_.load(kind);
  if (!records) return records.error();
  std::vector<found> all;
  for (const auto& record : *records)
    if (auto grant = runtime::decode_blob<shared_grant>(record.value, largest_record))
      all.push_back({record.key, std::move(*grant), record.revision});
  return all;
}

runtime::result<uint64_t> shared_grants::put(const std::string& user_code,
                                             const shared_grant& grant, uint64_t revision) {
  return store_.commit({{action::put, kind, user_code, runtime::encode_blob(grant), revision}});
}

runtime::result<void> shared_grants::take(const std::string& user_code, uint64_t revision) {
  const auto done = store_.commit({{action::erase, kind, user_code, {}, revision}});
  if (!done) return done.error();
  return {};
}

void shared_grants::forget(const std::vector<std::string>& user_codes) {
  std::vector<runtime::store_change> erasures;
  erasures.reserve(user_codes.size());
  for (const auto& code : user_codes)
    erasures.push_back({action::erase, kind, code, {}, {}});
  // What stays is erased by whoever looks next.
  if (!erasures.empty()) static_cast<void>(store_.commit(erasures));
}

}  // namespace postern::sts
