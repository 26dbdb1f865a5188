#include "edge/shared_authority.hpp"

#include "runtime/blob.hpp"

namespace postern::edge {

using runtime::error;
using runtime::error_category;
using runtime::result;

namespace {

constexpr const char* record_kind = "server_authority";
constexpr const char* record_key = "1";
constexpr size_t largest_record = 64 * 1'024;

}  // namespace

result<std::optional<authority_pair>> find_shared_authority(runtime::store& store,
                                                            const runtime::key_ring& wrapping) {
  auto record = store.find(record_kind, record_key);
  if (!record) return record.error();
  if (!*record) return std::optional<authority_pair>{};
  const auto plain = wrapping.open((*record)->value, record_kind);
  if (!plain)
    return error{error_category::invalid_input, "server_authority_sealed", "service",
                 "another master key wrapped the nodes' authority"};
  auto pair = runtime::decode_blob<authority_pair>(*plain, largest_record);
  if (!pair) return pair.error();
  return std::optional{std::move(*pair)};
}

result<authority_pair> share_authority(runtime::store& store, const runtime::key_ring& wrapping,
                                       authority_pair fresh) {
  const runtime::store_change put{.kind = record_kind,
                                  .key = record_key,
                                  .value = wrapping.seal(runtime::encode_blob(fresh), record_kind),
                                  .expected_revision = 0};
  const auto stored = store.commit({put});
  if (stored) return fresh;
  if (stored.error().category != error_category::conflict) return stored.error();
  auto theirs = find_shared_authority(store, wrapping);
  if (!theirs) return theirs.error();
  if (!*theirs) return stored.error();
  return std::move(**theirs);
}

}  // namespace postern::edge
