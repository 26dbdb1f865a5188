#include "runtime/jose.hpp"

#include "runtime/encoding.hpp"
#include "runtime/json_members.hpp"

#include <boost/json.hpp>
#include <cjose/cjose.h>
#include <openssl/err.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

namespace postern::runtime {

namespace {

namespace json = boost::json;

// A token with hundreds of groups takes some 10 KiB.
constexpr size_t max_token_size = size_t{64} * 1024;
constexpr size_t max_key_set_size = size_t{256} * 1024;
constexpr size_t max_keys = 100;
// RFC 7518, section 3.3, asks for 2048 bits; above 8192 one verification takes milliseconds.
constexpr size_t min_rsa_bits = 2048;
constexpr size_t max_rsa_bits = 8192;
constexpr size_t es256_signature_size = 64;
constexpr size_t p256_number_size = 32;  // RFC 7518, section 6.2.1.2

struct header_release {
  void operator()(cjose_header_t* h) const noexcept { cjose_header_release(h); }
};
struct jwk_release {
  void operator()(cjose_jwk_t* k) const noexcept { cjose_jwk_release(k); }
};
struct jws_release {
  void operator()(cjose_jws_t* s) const noexcept { cjose_jws_release(s); }
};
struct text_release {
  void operator()(char* t) const noexcept { cjose_get_dealloc()(t); }
};
using header_ptr = std::unique_ptr<cjose_header_t, header_release>;
using jwk_ptr = std::unique_ptr<cjose_jwk_t, jwk_release>;
using jws_ptr = std::unique_ptr<cjose_jws_t, jws_release>;
using text_ptr = std::unique_ptr<char, text_release>;

error token_error(const char* cause, std::string detail = {}) {
  return {error_category::unauthenticated, cause, "token", std::move(detail)};
}

error key_error(const char* what, const cjose_err& e) {
  ERR_clear_error();
  return {error_category::internal, "signing_key", "service",
          std::string(what) + ": " + (e.message == nullptr ? "no reason given" : e.message)};
}

std::optional<json::object> parse_object(std::string_view text) {
  boost::system::error_code failure;
  auto value = json::parse(text, failure);
  if (failure || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

/// An optional header parameter that must be text.
bool take_text(const json::object& header, std::string_view name, std::string& out) {
  const auto* value = header.if_contains(name);
  if (value == nullptr) return true;
  if (!value->is_string()) return false;
  out = value->get_string();
  return true;
}

struct compact_parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
};

std::optional<compact_parts> split(std::string_view token) {
  if (token.size() > max_token_size || std::ranges::count(token, '.') != 2) return std::nullopt;
  const size_t first = token.find('.');
  const size_t second = token.rfind('.');
  return compact_parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                       token.substr(second + 1)};
}

/// Whether a key of the kind may verify the algorithm: the allow-list of RFC 8725, section 3.1.
bool fits(std::string_view algorithm, cjose_jwk_kty_t kind) {
  if (algorithm == "ES256") return kind == CJOSE_JWK_KTY_EC;
  return kind == CJOSE_JWK_KTY_RSA && (algorithm == "RS256" || algorithm == "PS256");
}

bool is_allowed(std::string_view algorithm) {
  return fits(algorithm, CJOSE_JWK_KTY_EC) || fits(algorithm, CJOSE_JWK_KTY_RSA);
}

/// RFC 7638, section 3.2: the required members in the order of their names.
std::string thumbprint(const json::object& jwk) {
  json::object required;
  for (const char* name : {"crv", "kty", "x", "y"})
    required[name] = text_member(jwk, name);
  return to_base64url(sha256(json::serialize(required)));
}

/// The named members of a P-256 key and what says that it is one. cjose ends the process on some
/// texts that are not base64url, so it sees no member that was not decoded here before.
std::optional<json::object> p256_members(const json::object& jwk,
                                         std::initializer_list<std::string_view> names) {
  json::object members{{"kty", "EC"}, {"crv", "P-256"}};
  for (const auto name : names) {
    const auto text = text_member(jwk, name);
    const auto number = from_base64url(text);
    if (!number || number->size() != p256_number_size) return std::nullopt;
    members[name] = text;
  }
  return members;
}

jwk_ptr import_jwk(const json::object& jwk, cjose_err& e) {
  const auto text = json::serialize(jwk);
  return jwk_ptr(cjose_jwk_import(text.data(), text.size(), &e));
}

json::object export_jwk(const cjose_jwk_t* jwk, bool with_private) {
  cjose_err e{};
  const text_ptr text(cjose_jwk_to_json(jwk, with_private, &e));
  auto object = text ? parse_object(text.get()) : std::nullopt;
  ensure(object.has_value(), "cjose wrote no key");
  return std::move(*object);
}

}  // namespace

result<jws_header> read_jws_header(std::string_view token) {
  const auto parts = split(token);
  if (!parts) return token_error("token_malformed", "not three parts");
  const auto text = from_base64url(parts->header);
  const auto header = text ? parse_object(*text) : std::nullopt;
  if (!header) return token_error("token_malformed", "header");
  // No extension is understood, so none may be critical (RFC 7515, section 4.1.11).
  if (header->contains("crit")) return token_error("token_malformed", "critical extension");
  jws_header read;
  if (!take_text(*header, "alg", read.algorithm) || !take_text(*header, "kid", read.key_id) ||
      !take_text(*header, "typ", read.type) || read.algorithm.empty())
    return token_error("token_malformed", "header parameters");
  return read;
}

struct signing_key::impl {
  jwk_ptr jwk;
  std::string key_id;

  static std::shared_ptr<const impl> make(jwk_ptr jwk) {
    auto id = thumbprint(export_jwk(jwk.get(), false));
    return std::make_shared<const impl>(impl{std::move(jwk), std::move(id)});
  }
};

result<signing_key> signing_key::generate() {
  cjose_err e{};
  jwk_ptr jwk(cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &e));
  if (!jwk) return key_error("generate", e);
  signing_key key;
  key.impl_ = impl::make(std::move(jwk));
  return key;
}

result<signing_key> signing_key::parse(std::string_view private_jwk) {
  error malformed{error_category::invalid_input, "key_malformed", "service", {}};
  const auto object = parse_object(private_jwk);
  if (!object || text_member(*object, "kty") != "EC" || text_member(*object, "crv") != "P-256")
    return malformed;
  const auto members = p256_members(*object, {"x", "y", "d"});
  if (!members) return malformed;
  cjose_err e{};
  auto jwk = import_jwk(*members, e);
  ERR_clear_error();
  if (!jwk) return malformed;
  signing_key key;
  key.impl_ = impl::make(std::move(jwk));
  // cjose takes the public half from "d" and ignores the one that is given: a key that was mixed up
  // must not pass.
  const auto own = export_jwk(key.impl_->jwk.get(), false);
  for (const char* half : {"x", "y"})
    if (text_member(own, half) != text_member(*object, half)) return malformed;
  return key;
}

const std::string& signing_key::key_id() const noexcept {
  return impl_->key_id;
}

std::string signing_key::private_jwk() const {
  auto jwk = export_jwk(impl_->jwk.get(), true);
  jwk["kid"] = impl_->key_id;
  return json::serialize(jwk);
}

json::object signing_key::public_jwk() const {
  auto jwk = export_jwk(impl_->jwk.get(), false);
  jwk["kid"] = impl_->key_id;
  jwk["use"] = "sig";
  jwk["alg"] = "ES256";
  return jwk;
}

result<std::string> signing_key::sign(const json::object& claims, std::string_view type) const {
  cjose_err e{};
  const header_ptr header(cjose_header_new(&e));
  const std::string type_text(type);
  if (!header || !cjose_header_set(header.get(), CJOSE_HDR_ALG, CJOSE_HDR_ALG_ES256, &e) ||
      !cjose_header_set(header.get(), CJOSE_HDR_KID, impl_->key_id.c_str(), &e) ||
      !cjose_header_set(header.get(), "typ", type_text.c_str(), &e))
    return key_error("header", e);
  const auto payload = json::serialize(claims);
  const jws_ptr jws(cjose_jws_sign(impl_->jwk.get(), header.get(),
                                   reinterpret_cast<const uint8_t*>(payload.data()), payload.size(),
                                   &e));
  const char* compact = nullptr;
  if (!jws || !cjose_jws_export(jws.get(), &compact, &e)) return key_error("sign", e);
  return std::string(compact);
}

struct key_set::impl {
  struct key {
    std::string id;
    std::string algorithm;  ///< the only one it may be used with; empty: any that fits
    cjose_jwk_kty_t kind;
    jwk_ptr jwk;

    bool fits_token(std::string_view token_algorithm) const {
      return fits(token_algorithm, kind) && (algorithm.empty() || algorithm == token_algorithm);
    }
  };

  std::vector<key> keys;

  static std::optional<key> read(const json::object& jwk);
};

namespace {

/// Whether the key says, or leaves open, that it verifies signatures (RFC 7517, sections 4.2
/// and 4.3).
bool is_for_verifying(const json::object& jwk) {
  if (const auto* use = jwk.if_contains("use"); use != nullptr && *use != "sig") return false;
  const auto* operations = jwk.if_contains("key_ops");
  if (operations == nullptr) return true;
  return operations->is_array() &&
         std::ranges::find(operations->get_array(), json::value("verify")) !=
             operations->get_array().end();
}

/// The public members alone, so that nothing else of a foreign document reaches the library.
std::optional<json::object> public_members(const json::object& jwk) {
  const auto kind = text_member(jwk, "kty");
  if (kind == "EC" && text_member(jwk, "crv") == "P-256") return p256_members(jwk, {"x", "y"});
  const auto modulus = text_member(jwk, "n");
  const auto exponent = text_member(jwk, "e");
  if (kind != "RSA" || modulus.empty() || exponent.empty() || !from_base64url(modulus) ||
      !from_base64url(exponent))
    return std::nullopt;
  return json::object{{"kty", kind}, {"n", modulus}, {"e", exponent}};
}

}  // namespace

std::optional<key_set::impl::key> key_set::impl::read(const json::object& jwk) {
  const auto members = public_members(jwk);
  if (!members || !is_for_verifying(jwk)) return std::nullopt;
  cjose_err e{};
  auto imported = import_jwk(*members, e);
  ERR_clear_error();
  if (!imported) return std::nullopt;
  const auto kind = cjose_jwk_get_kty(imported.get(), &e);
  const size_t bits = cjose_jwk_get_keysize(imported.get(), &e);
  if (kind == CJOSE_JWK_KTY_RSA && (bits < min_rsa_bits || bits > max_rsa_bits))
    return std::nullopt;
  key made{std::string(text_member(jwk, "kid")), std::string(text_member(jwk, "alg")), kind,
           std::move(imported)};
  if (!made.algorithm.empty() && !fits(made.algorithm, kind)) return std::nullopt;
  return made;
}

key_set::key_set() : impl_(std::make_shared<const impl>()) {}

result<key_set> key_set::parse(std::string_view jwks) {
  error malformed{error_category::unauthenticated, "jwks_malformed", "sts", {}};
  if (jwks.size() > max_key_set_size) return malformed;
  const auto document = parse_object(jwks);
  const auto* keys = document ? document->if_contains("keys") : nullptr;
  if (keys == nullptr || !keys->is_array() || keys->get_array().size() > max_keys) return malformed;
  auto read = std::make_shared<impl>();
  for (const auto& jwk : keys->get_array()) {
    if (!jwk.is_object()) return malformed;
    if (auto key = impl::read(jwk.get_object())) read->keys.push_back(std::move(*key));
  }
  key_set set;
  set.impl_ = std::move(read);
  return set;
}

bool key_set::contains(std::string_view key_id) const noexcept {
  return std::ranges::any_of(impl_->keys, [&](const auto& key) { return key.id == key_id; });
}

namespace {

/// The payload, if the signature holds.
std::optional<std::string> verified_payload(std::string_view token, const std::string& algorithm,
                                            const cjose_jwk_t* jwk) {
  cjose_err e{};
  const jws_ptr jws(cjose_jws_import(token.data(), token.size(), &e));
  if (!jws) return std::nullopt;
  // Two parsers have read this header: they must agree on what decides.
  const char* seen = cjose_header_get(cjose_jws_get_protected(jws.get()), CJOSE_HDR_ALG, &e);
  if (seen == nullptr || seen != algorithm || !cjose_jws_verify(jws.get(), jwk, &e))
    return std::nullopt;
  uint8_t* payload = nullptr;
  size_t size = 0;
  if (!cjose_jws_get_plaintext(jws.get(), &payload, &size, &e)) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(payload), size);
}

}  // namespace

result<json::object> key_set::verify(std::string_view token) const {
  const auto header = read_jws_header(token);
  if (!header) return header.error();
  if (!is_allowed(header->algorithm)) return token_error("token_algorithm", header->algorithm);
  const bool named = !header->key_id.empty();
  if (named && !contains(header->key_id)) return token_error("token_unknown_key", header->key_id);
  const auto parts = split(token);
  const auto signature = from_base64url(parts->signature);
  if (!signature || !from_base64url(parts->payload))
    return token_error("token_malformed", "base64url");
  if (header->algorithm == "ES256" && signature->size() != es256_signature_size)
    return token_error("token_signature", "size");
  bool tried = false;
  for (const auto& key : impl_->keys) {
    if ((named && key.id != header->key_id) || !key.fits_token(header->algorithm)) continue;
    tried = true;
    const auto payload = verified_payload(token, header->algorithm, key.jwk.get());
    ERR_clear_error();
    if (!payload) continue;
    auto claims = parse_object(*payload);
    if (!claims) return token_error("token_malformed", "claims");
    return std::move(*claims);
  }
  if (tried) return token_error("token_signature");
  return named ? token_error("token_algorithm", "not the kind of the key")
               : token_error("token_unknown_key");
}

}  // namespace postern::runtime
