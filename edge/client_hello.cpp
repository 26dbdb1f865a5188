#include "edge/client_hello.hpp"

#include <algorithm>
#include <optional>

namespace postern::edge {

namespace {

constexpr uint8_t handshake_record = 22;
constexpr uint8_t client_hello_message = 1;
constexpr uint16_t server_name_extension = 0;
constexpr uint8_t host_name = 0;
constexpr size_t record_head = 5;

/// Takes numbers and runs of bytes from the front; everything is absent once something was.
class reader {
 public:
  explicit reader(std::string_view bytes) : rest_(bytes) {}

  std::optional<uint32_t> number(size_t size) {
    const auto bytes = take(size);
    if (!bytes) return std::nullopt;
    uint32_t n = 0;
    for (const char c : *bytes)
      n = n << 8U | static_cast<uint8_t>(c);
    return n;
  }
  std::optional<std::string_view> take(size_t size) {
    if (size > rest_.size()) {
      rest_ = {};
      return std::nullopt;
    }
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  /// A vector: its length in `size` bytes, then its content.
  std::optional<std::string_view> vector(size_t size) {
    const auto length = number(size);
    return length ? take(*length) : std::nullopt;
  }
  bool empty() const noexcept { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<std::string_view> name_in(std::string_view extension) {
  reader outer{extension};
  const auto list = outer.vector(2);
  if (!list) return std::nullopt;
  for (reader names{*list}; !names.empty();) {
    const auto type = names.number(1);
    const auto name = names.vector(2);
    if (!type || !name) return std::nullopt;
    if (*type == host_name) return name;
  }
  return std::nullopt;
}

std::optional<std::string_view> find_name(std::string_view record) {
  reader message{record};
  if (message.number(1) != client_hello_message) return std::nullopt;
  message.number(3);     // length
  message.take(2 + 32);  // legacy version, random
  message.vector(1);     // session
  message.vector(2);     // cipher suites
  message.vector(1);     // compression
  const auto extensions = message.vector(2);
  if (!extensions) return std::nullopt;
  for (reader list{*extensions}; !list.empty();) {
    const auto type = list.number(2);
    const auto content = list.vector(2);
    if (!type || !content) return std::nullopt;
    if (*type == server_name_extension) return name_in(*content);
  }
  return std::nullopt;
}

}  // namespace

client_hello read_client_hello(std::string_view bytes) {
  if (!bytes.empty() && static_cast<uint8_t>(bytes[0]) != handshake_record)
    return {hello_kind::other, {}};
  if (bytes.size() < record_head) return {hello_kind::incomplete, {}};
  const size_t length =
      static_cast<size_t>(static_cast<uint8_t>(bytes[3])) << 8U | static_cast<uint8_t>(bytes[4]);
  if (bytes.size() < record_head + length) return {hello_kind::incomplete, {}};
  const auto name = find_name(bytes.substr(record_head, length));
  if (!name) return {hello_kind::other, {}};
  std::string lower{*name};
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return {hello_kind::named, std::move(lower)};
}

}  // namespace postern::edge
