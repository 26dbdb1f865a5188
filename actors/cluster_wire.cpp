#include "actors/cluster_wire.hpp"

#include "runtime/blob.hpp"

namespace postern::actors {

namespace {

/// On the wire: never change a number.
enum class wire_kind : char { presence = 1, summons = 2 };

template <class T>
std::string framed(wire_kind kind, const T& message) {
  return static_cast<char>(kind) + runtime::encode_blob(message);
}

template <class T>
runtime::result<cluster_message> read(std::string_view blob) {
  auto message = runtime::decode_blob<T>(blob, largest_cluster_message, runtime::blob_end::open);
  if (!message) return message.error();
  return cluster_message{std::move(*message)};
}

}  // namespace

std::string encode_cluster_message(const cluster_message& message) {
  if (const auto* p = std::get_if<presence>(&message)) return framed(wire_kind::presence, *p);
  return framed(wire_kind::summons, std::get<summons>(message));
}

runtime::result<cluster_message> decode_cluster_message(std::string_view bytes) {
  const auto kind = bytes.empty() ? wire_kind{} : static_cast<wire_kind>(bytes.front());
  switch (kind) {
    case wire_kind::presence:
      return read<presence>(bytes.substr(1));
    case wire_kind::summons:
      return read<summons>(bytes.substr(1));
  }
  return runtime::error{
      runtime::error_category::invalid_input, "cluster_message_unknown", "service", {}};
}

}  // namespace postern::actors
