#include "runtime/password_hash.hpp"

#include "runtime/encoding.hpp"
#include "runtime/error.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace postern::runtime {

namespace {

struct scrypt_hash {
  unsigned log_n = 15;
  unsigned r = 8;
  unsigned p = 1;
  std::string salt;
  std::string hash;
};

constexpr size_t salt_size = 16;
constexpr size_t hash_size = 32;
constexpr size_t max_text_size = 256;
// A hash written with costs beyond these would let one sign-in take the machine's memory or a
// second of its time.
constexpr unsigned max_log_n = 17;
constexpr unsigned max_r = 8;
constexpr unsigned max_p = 4;
constexpr uint64_t max_memory = uint64_t{160} << 20;

std::optional<std::string> derive(std::string_view password, const scrypt_hash& with, size_t size) {
  std::string out(size, '\0');
  const bool done =
      EVP_PBE_scrypt(password.data(), password.size(),
                     reinterpret_cast<const uint8_t*>(with.salt.data()), with.salt.size(),
                     uint64_t{1} << with.log_n, with.r, with.p, max_memory,
                     reinterpret_cast<uint8_t*>(out.data()), out.size()) == 1;
  if (done) return out;
  ERR_clear_error();
  return std::nullopt;
}

std::string unpadded_base64(std::string_view bytes) {
  std::string text = to_base64(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

std::optional<std::string> from_unpadded_base64(std::string_view text) {
  std::string padded(text);
  padded.append((4 - padded.size() % 4) % 4, '=');
  return from_base64(padded);
}

/// Takes "name=NUMBER" from the front of a text; the number is between 1 and `most`.
bool take_number(std::string_view& text, std::string_view name, unsigned most, unsigned& number) {
  if (!text.starts_with(name)) return false;
  text.remove_prefix(name.size());
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || number < 1 || number > most) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<scrypt_hash> parse(std::string_view text) {
  scrypt_hash parsed;
  if (text.size() > max_text_size || !take(text, "$scrypt$") ||
      !take_number(text, "ln=", max_log_n, parsed.log_n) ||
      !take_number(text, ",r=", max_r, parsed.r) || !take_number(text, ",p=", max_p, parsed.p) ||
      !take(text, "$"))
    return std::nullopt;
  const size_t dollar = text.find('$');
  if (dollar == std::string_view::npos) return std::nullopt;
  auto salt = from_unpadded_base64(text.substr(0, dollar));
  auto hash = from_unpadded_base64(text.substr(dollar + 1));
  if (!salt || !hash || salt->size() < salt_size || hash->size() != hash_size) return std::nullopt;
  parsed.salt = std::move(*salt);
  parsed.hash = std::move(*hash);
  return parsed;
}

}  // namespace

std::string hash_password(std::string_view password, random_source& random) {
  scrypt_hash fresh;
  fresh.salt.resize(salt_size);
  random.fill({reinterpret_cast<uint8_t*>(fresh.salt.data()), fresh.salt.size()});
  const auto hash = derive(password, fresh, hash_size);
  ensure(hash.has_value(), "scrypt has no memory");
  return "$scrypt$ln=" + std::to_string(fresh.log_n) + ",r=" + std::to_string(fresh.r) +
         ",p=" + std::to_string(fresh.p) + '$' + unpadded_base64(fresh.salt) + '$' +
         unpadded_base64(*hash);
}

bool verify_password(std::string_view password, std::string_view text) {
  const auto parsed = parse(text);
  const auto hash = parsed ? derive(password, *parsed, parsed->hash.size()) : std::nullopt;
  if (hash) return equal_in_constant_time(*hash, parsed->hash);
  waste_password_time(password);
  return false;
}

void waste_password_time(std::string_view password) {
  scrypt_hash nobody;
  nobody.salt.assign(salt_size, '\0');
  // The library's call cannot be optimized away: the compiler does not see into it.
  auto hash = derive(password, nobody, hash_size);
  if (hash) OPENSSL_cleanse(hash->data(), hash->size());
}

}  // namespace postern::runtime
