#include "edge/websocket_key.hpp"

#include "runtime/encoding.hpp"

#include <openssl/sha.h>

#include <array>

namespace postern::edge {

namespace {

constexpr std::string_view suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

template <size_t Size>
std::string base64_of(const std::array<uint8_t, Size>& bytes) {
  return runtime::to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

std::string new_websocket_key(runtime::random_source& random) {
  std::array<uint8_t, 16> key{};
  random.fill(key);
  return base64_of(key);
}

std::string accept_of(std::string_view key) {
  const auto text = std::string{key}.append(suffix);
  std::array<uint8_t, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return base64_of(digest);
}

}  // namespace postern::edge
