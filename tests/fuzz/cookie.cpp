// Feeds arbitrary bytes to what reads a cookie: as the sealed text, as the plain text behind a seal
// that holds, and as a change to a seal that held. Nothing may crash, no forgery may open, what was
// read must survive being written again.

#include "actors/messages.hpp"
#include "runtime/blob.hpp"
#include "runtime/encoding.hpp"
#include "runtime/key_ring.hpp"

#include <cereal/types/vector.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rt = postern::runtime;
using postern::actors::access_session;

namespace {

constexpr size_t cookie_limit = 4096;

struct ring_of_two {
  rt::seeded_random_source random{1};
  rt::key_ring ring{{rt::make_sealing_key(random), rt::make_sealing_key(random)}, random};
};

void read_plain(std::string_view plain) {
  const auto session = rt::decode_blob<access_session>(plain, cookie_limit);
  if (!session) return;
  const auto again = rt::decode_blob<access_session>(rt::encode_blob(*session), cookie_limit);
  rt::ensure(again.has_value() && *again == *session, "a session changes on its way");
}

void change_one_byte(const rt::key_ring& ring, const std::string& sealed, std::string_view data) {
  const size_t dot = sealed.find('.') + 1;
  auto bytes = *rt::from_base64url(std::string_view(sealed).substr(dot));
  const auto bits = static_cast<uint8_t>(data[1]);
  if (bits == 0) return;
  auto& changed = bytes[static_cast<uint8_t>(data[0]) % bytes.size()];
  changed = static_cast<char>(changed ^ bits);
  rt::ensure(!ring.open(sealed.substr(0, dot) + rt::to_base64url(bytes), "cookie"),
             "a forged seal opens");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ring_of_two keys;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  rt::ensure(!keys.ring.open(text, "cookie"), "a guessed seal opens");
  rt::ensure(!keys.ring.open(keys.ring.current_id() + "." + rt::to_base64url(text), "cookie"),
             "a guessed seal opens");
  const auto sealed = keys.ring.seal(text, "cookie");
  const auto opened = keys.ring.open(sealed, "cookie");
  rt::ensure(opened.has_value() && *opened == text, "what was sealed does not open");
  read_plain(*opened);
  if (size >= 2) change_one_byte(keys.ring, sealed, text);
  static_cast<void>(rt::decode_sealing_keys(text));
  return 0;
}
