#include "runtime/key_ring.hpp"

#include "runtime/blob.hpp"
#include "runtime/encoding.hpp"
#include "runtime/openssl_ptr.hpp"

#include <cereal/types/array.hpp>
#include <cereal/types/vector.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <span>
#include <utility>

namespace postern::runtime {

namespace {

constexpr size_t nonce_size = 12;  // NIST SP 800-38D, section 8.2.2: a random nonce of 96 bits
constexpr size_t tag_size = 16;
constexpr size_t max_id_size = 16;
constexpr size_t max_sealed_size = size_t{256} * 1024;  // far above any cookie or wrapped key
constexpr size_t max_ring_blob = size_t{64} * 1024;

const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

bool is_valid_id(std::string_view id) {
  return !id.empty() && id.size() <= max_id_size && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
  });
}

bool are_valid(const std::vector<sealing_key>& keys) {
  if (keys.empty()) return false;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!is_valid_id(keys[i].id)) return false;
    for (size_t j = 0; j < i; ++j)
      if (keys[i].id == keys[j].id) return false;
  }
  return true;
}

error refusal(const char* cause) {
  return {error_category::unauthenticated, cause, "service", {}};
}

}  // namespace

struct key_ring::impl {
  std::vector<sealing_key> keys;
  random_source& random;
  cipher_ptr cipher;

  ~impl() {
    for (auto& key : keys)
      OPENSSL_cleanse(key.key.data(), key.key.size());
  }

  const sealing_key* find(std::string_view id) const noexcept {
    const auto at = std::ranges::find(keys, id, &sealing_key::id);
    return at == keys.end() ? nullptr : &*at;
  }

  std::string encrypt(const sealing_key& key, std::string_view plain,
                      std::string_view purpose) const;
  bool decrypt(const sealing_key& key, std::string_view sealed, std::string_view purpose,
               std::string& plain) const;
};

/// nonce + ciphertext + tag. OpenSSL can fail here only for want of memory.
std::string key_ring::impl::encrypt(const sealing_key& key, std::string_view plain,
                                    std::string_view purpose) const {
  std::string out(nonce_size + plain.size() + tag_size, '\0');
  auto* nonce = reinterpret_cast<uint8_t*>(out.data());
  auto* text = nonce + nonce_size;
  random.fill({nonce, nonce_size});
  const cipher_ctx_ptr ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool done =
      ctx && EVP_EncryptInit_ex2(ctx.get(), cipher.get(), key.key.data(), nonce, nullptr) == 1 &&
      EVP_EncryptUpdate(ctx.get(), nullptr, &size, bytes_of(purpose),
                        static_cast<int>(purpose.size())) == 1 &&
      EVP_EncryptUpdate(ctx.get(), text, &size, bytes_of(plain), static_cast<int>(plain.size())) ==
          1 &&
      EVP_EncryptFinal_ex(ctx.get(), text + plain.size(), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, text + plain.size()) == 1;
  ensure(done, "AES-256-GCM refused to seal");
  return out;
}

bool key_ring::impl::decrypt(const sealing_key& key, std::string_view sealed,
                             std::string_view purpose, std::string& plain) const {
  const auto nonce = sealed.substr(0, nonce_size);
  const auto text = sealed.substr(nonce_size, sealed.size() - nonce_size - tag_size);
  std::string tag(sealed.substr(sealed.size() - tag_size));
  plain.resize(text.size());
  auto* out = reinterpret_cast<uint8_t*>(plain.data());
  const cipher_ctx_ptr ctx(EVP_CIPHER_CTX_new());
  int size = 0;
  return ctx &&
         EVP_DecryptInit_ex2(ctx.get(), cipher.get(), key.key.data(), bytes_of(nonce), nullptr) ==
             1 &&
         EVP_DecryptUpdate(ctx.get(), nullptr, &size, bytes_of(purpose),
                           static_cast<int>(purpose.size())) == 1 &&
         EVP_DecryptUpdate(ctx.get(), out, &size, bytes_of(text), static_cast<int>(text.size())) ==
             1 &&
         EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1 &&
         EVP_DecryptFinal_ex(ctx.get(), out + text.size(), &size) == 1;
}

key_ring::key_ring(std::vector<sealing_key> keys, random_source& random)
    : impl_(new impl{std::move(keys), random,
                     cipher_ptr(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr))}) {
  ensure(are_valid(impl_->keys), "a key ring needs keys with valid, unique ids");
  ensure(impl_->cipher != nullptr, "this OpenSSL has no AES-256-GCM");
}

key_ring::~key_ring() = default;

std::string key_ring::seal(std::string_view plain, std::string_view purpose) const {
  const auto& key = impl_->keys.front();
  return key.id + '.' + to_base64url(impl_->encrypt(key, plain, purpose));
}

result<std::string> key_ring::open(std::string_view sealed, std::string_view purpose) const {
  const size_t dot = sealed.find('.');
  if (dot == std::string_view::npos || sealed.size() > max_sealed_size)
    return refusal("seal_malformed");
  const auto id = sealed.substr(0, dot);
  const auto bytes = from_base64url(sealed.substr(dot + 1));
  if (!is_valid_id(id) || !bytes || bytes->size() < nonce_size + tag_size)
    return refusal("seal_malformed");
  const auto* key = impl_->find(id);
  if (key == nullptr) return refusal("seal_unknown_key");
  std::string plain;
  if (impl_->decrypt(*key, *bytes, purpose, plain)) return plain;
  // GCM hands out text before it has seen the tag.
  OPENSSL_cleanse(plain.data(), plain.size());
  ERR_clear_error();
  return refusal("seal_forged");
}

const std::string& key_ring::current_id() const noexcept {
  return impl_->keys.front().id;
}

sealing_key make_sealing_key(random_source& random) {
  sealing_key key;
  key.id = random.hex(max_id_size / 2);
  random.fill(key.key);
  return key;
}

template <class Archive>
void serialize(Archive& archive, sealing_key& key) {
  archive(key.id, key.key);
}

std::string encode_sealing_keys(const std::vector<sealing_key>& keys) {
  return encode_blob(keys);
}

result<std::vector<sealing_key>> decode_sealing_keys(std::string_view blob) {
  auto keys = decode_blob<std::vector<sealing_key>>(blob, max_ring_blob);
  if (keys && !are_valid(*keys))
    return error{error_category::invalid_input, "blob_malformed", "service", "not a ring of keys"};
  return keys;
}

}  // namespace postern::runtime
