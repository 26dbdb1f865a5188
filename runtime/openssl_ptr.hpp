#pragma once
// Owners for OpenSSL's objects, reading without a terminal, and its error queue as text. Internal
// to runtime/.

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace postern::runtime {

/// Frees through one of OpenSSL's own functions.
template <auto Free>
struct openssl_delete {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

template <class T, auto Free>
using openssl_ptr = std::unique_ptr<T, openssl_delete<Free>>;

using bio_ptr = openssl_ptr<BIO, BIO_free>;
using bignum_ptr = openssl_ptr<BIGNUM, BN_free>;
using cipher_ptr = openssl_ptr<EVP_CIPHER, EVP_CIPHER_free>;
using cipher_ctx_ptr = openssl_ptr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using evp_pkey_ptr = openssl_ptr<EVP_PKEY, EVP_PKEY_free>;
using pkcs7_ptr = openssl_ptr<PKCS7, PKCS7_free>;
using x509_ptr = openssl_ptr<X509, X509_free>;
using x509_req_ptr = openssl_ptr<X509_REQ, X509_REQ_free>;

/// A BIO that reads `bytes`, which must outlive it.
inline bio_ptr read_only_bio(std::string_view bytes) {
  return bio_ptr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

/// Answers that there is no password, where OpenSSL would ask on the terminal.
inline int no_password(char*, int, int, void*) {
  return -1;
}

/// What was written to a memory BIO.
inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string{};
}

/// Empties this thread's error queue; the last error in words for the log. To be called after every
/// failure, so that a later call on the thread (a TLS read) does not take the old error for its
/// own.
inline std::string take_openssl_error() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

}  // namespace postern::runtime
