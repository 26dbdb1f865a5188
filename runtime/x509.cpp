#include "runtime/x509.hpp"

#include "runtime/x509_parse.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>

#include <algorithm>
#include <utility>

namespace postern::runtime {

namespace {

bool is_too_large(std::string_view bytes) {
  return bytes.size() > max_x509_bytes;
}

/// Reads exactly one object by a d2i function; null if there is none or more than it.
template <class Pointer, class Decode>
Pointer from_der(std::string_view der, Decode decode) {
  if (is_too_large(der)) return {};
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  Pointer object(decode(nullptr, &at, static_cast<long>(der.size())));
  if (at != end) object.reset();
  return object;
}

}  // namespace

error x509_error(const char* cause) {
  return {error_category::invalid_input, cause, "service", take_openssl_error()};
}

result<x509_ptr> parse_certificate_pem(std::string_view pem) {
  if (is_too_large(pem)) return x509_error("certificate_malformed");
  const auto bio = read_only_bio(pem);
  x509_ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
  if (!certificate) return x509_error("certificate_malformed");
  return certificate;
}

result<x509_ptr> parse_certificate_der(std::string_view der) {
  auto certificate = from_der<x509_ptr>(der, d2i_X509);
  if (!certificate) return x509_error("certificate_malformed");
  return certificate;
}

result<x509_req_ptr> parse_certificate_request(std::string_view der) {
  auto request = from_der<x509_req_ptr>(der, d2i_X509_REQ);
  if (!request) return x509_error("csr_malformed");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr) return x509_error("csr_malformed");
  if (X509_REQ_verify(request.get(), key) != 1) return x509_error("csr_signature");
  return request;
}

std::string certificate_pem(X509* certificate) {
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return text_of(bio.get());
}

private_key private_key::generate() {
  private_key fresh;
  fresh.key_ = std::shared_ptr<void>(EVP_EC_gen("P-256"),
                                     [](void* key) { EVP_PKEY_free(static_cast<EVP_PKEY*>(key)); });
  ensure(fresh.key_ != nullptr, "this OpenSSL makes no P-256 keys");
  return fresh;
}

result<private_key> private_key::parse_pem(std::string_view pem) {
  if (is_too_large(pem)) return x509_error("key_malformed");
  const auto bio = read_only_bio(pem);
  evp_pkey_ptr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (!key) return x509_error("key_malformed");
  // Decoders leave the reasons of those that did not fit.
  ERR_clear_error();
  private_key read;
  read.key_ = std::shared_ptr<void>(key.release(),
                                    [](void* k) { EVP_PKEY_free(static_cast<EVP_PKEY*>(k)); });
  return read;
}

std::string private_key::pem() const {
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  const int done = PEM_write_bio_PKCS8PrivateKey(bio.get(), static_cast<EVP_PKEY*>(native()),
                                                 nullptr, nullptr, 0, nullptr, nullptr);
  ensure(done == 1, "a private key cannot be written");
  return text_of(bio.get());
}

result<std::string> make_pkcs7(const std::vector<std::string>& certificates_pem) {
  const pkcs7_ptr bundle(PKCS7_new());
  if (!bundle || PKCS7_set_type(bundle.get(), NID_pkcs7_signed) != 1)
    return x509_error("certificate_malformed");
  // Certs-only: the content has a type and is absent (RFC 5751, section 3.2.2, by RFC 7030).
  bundle->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
  for (const auto& pem : certificates_pem) {
    const auto certificate = parse_certificate_pem(pem);
    if (!certificate) return certificate.error();
    if (PKCS7_add_certificate(bundle.get(), certificate->get()) != 1)
      return x509_error("certificate_malformed");
  }
  return to_der(bundle.get(), i2d_PKCS7);
}

result<std::vector<std::string>> read_pkcs7(std::string_view der) {
  const auto bundle = from_der<pkcs7_ptr>(der, d2i_PKCS7);
  if (!bundle || !PKCS7_type_is_signed(bundle.get()) || bundle->d.sign == nullptr)
    return x509_error("certificate_malformed");
  const auto* certificates = bundle->d.sign->cert;
  std::vector<std::string> pems;
  pems.reserve(static_cast<size_t>(std::max(0, sk_X509_num(certificates))));
  for (int i = 0; i < sk_X509_num(certificates); ++i)
    pems.push_back(certificate_pem(sk_X509_value(certificates, i)));
  return pems;
}

std::string pem_to_der(std::string_view pem) {
  if (is_too_large(pem)) return {};
  const auto bio = read_only_bio(pem);
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) {
    ERR_clear_error();
    return {};
  }
  std::string der(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data, static_cast<size_t>(size));
  return der;
}

std::string certificate_der_to_pem(std::string_view der) {
  const auto certificate = parse_certificate_der(der);
  return certificate ? certificate_pem(certificate->get()) : std::string{};
}

}  // namespace postern::runtime
