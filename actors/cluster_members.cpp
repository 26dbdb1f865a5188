#include "actors/cluster_members.hpp"

#include "runtime/blob.hpp"

namespace postern::actors {

namespace {

constexpr size_t largest_member_record = 4 * 1'024;

}  // namespace

runtime::store_change put_member(const std::string& address, const std::string& version,
                                 runtime::timestamp now) {
  const member_record record{runtime::to_unix_seconds(now), version};
  return {.kind = node_kind, .key = address, .value = runtime::encode_blob(record)};
}

runtime::store_change erase_member(const std::string& address) {
  return {.what = runtime::store_change::action::erase, .kind = node_kind, .key = address};
}

std::set<std::string> read_members(const std::vector<runtime::stored_record>& records,
                                   runtime::timestamp now) {
  std::set<std::string> addresses;
  const auto oldest =
      runtime::to_unix_seconds(now) - std::chrono::seconds{member_forgotten}.count();
  for (const auto& r : records) {
    const auto record = runtime::decode_blob<member_record>(r.value, largest_member_record);
    if (record && record->seen_at >= oldest) addresses.insert(r.key);
  }
  return addresses;
}

}  // namespace postern::actors
