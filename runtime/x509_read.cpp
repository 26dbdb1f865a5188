// What the rules look at in certificates and requests that came from elsewhere.

#include "runtime/encoding.hpp"
#include "runtime/x509.hpp"
#include "runtime/x509_parse.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace postern::runtime {

namespace {

using general_names_ptr = openssl_ptr<GENERAL_NAMES, GENERAL_NAMES_free>;

std::string rfc2253(const X509_NAME* name) {
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  return text_of(bio.get());
}

std::string utf8(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, text);
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  std::string converted(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return converted;
}

std::string raw(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string common_name_of(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  return at < 0 ? std::string{} : utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

std::string attribute_name(const X509_NAME_ENTRY* entry) {
  const auto* object = X509_NAME_ENTRY_get_object(entry);
  const int nid = OBJ_obj2nid(object);
  if (nid != NID_undef) return OBJ_nid2sn(nid);
  std::array<char, 80> dotted{};
  OBJ_obj2txt(dotted.data(), dotted.size(), object, 1);
  return dotted.data();
}

/// All attributes but the first common name; a second one is as foreign as any other.
std::vector<std::string> other_attributes(const X509_NAME* name) {
  std::vector<std::string> names;
  const int common_name = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  for (int i = 0; i < X509_NAME_entry_count(name); ++i)
    if (i != common_name) names.push_back(attribute_name(X509_NAME_get_entry(name, i)));
  return names;
}

std::string serial_of(const X509* certificate) {
  const bignum_ptr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!number) return {};
  char* text = BN_bn2hex(number.get());
  std::string hex(text);
  OPENSSL_free(text);
  std::ranges::transform(hex, hex.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
  });
  hex.erase(0, std::min(hex.find_first_not_of('0'), hex.size() - 1));
  return hex;
}

timestamp time_of(const ASN1_TIME* time) {
  std::tm calendar{};
  if (ASN1_TIME_to_tm(time, &calendar) != 1) return {};
  // "No expiry" is the year 9999 (RFC 5280, 4.1.2.5); nanoseconds in 64 bits end in 2262.
  constexpr int64_t most = timestamp::max().time_since_epoch() / std::chrono::seconds{1};
  return from_unix_seconds(std::clamp<int64_t>(timegm(&calendar), -most, most));
}

std::string fingerprint_of(const X509* certificate) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  return to_hex({digest.data(), size});
}

certificate_info describe(const X509* certificate) {
  certificate_info info;
  info.serial = serial_of(certificate);
  info.common_name = common_name_of(X509_get_subject_name(certificate));
  info.subject = rfc2253(X509_get_subject_name(certificate));
  info.issuer = rfc2253(X509_get_issuer_name(certificate));
  const general_names_ptr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) info.dns_names.push_back(raw(name->d.dNSName));
    if (name->type == GEN_URI) info.uris.push_back(raw(name->d.uniformResourceIdentifier));
  }
  info.fingerprint = fingerprint_of(certificate);
  info.not_before = time_of(X509_get0_notBefore(certificate));
  info.not_after = time_of(X509_get0_notAfter(certificate));
  ERR_clear_error();
  return info;
}

/// The NIST name of a curve; empty for curves spelled out by their parameters, which nobody should
/// sign.
std::string curve_of(const EVP_PKEY* key) {
  int explicit_parameters = 0;
  EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                         &explicit_parameters);
  std::array<char, 80> group{};
  size_t size = 0;
  if (explicit_parameters != 0 ||
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1)
    return {};
  const char* nist = EC_curve_nid2nist(OBJ_sn2nid(group.data()));
  return nist == nullptr ? group.data() : nist;
}

}  // namespace

result<certificate_info> read_certificate_pem(std::string_view pem) {
  const auto certificate = parse_certificate_pem(pem);
  if (!certificate) return certificate.error();
  return describe(certificate->get());
}

result<certificate_info> read_certificate_der(std::string_view der) {
  const auto certificate = parse_certificate_der(der);
  if (!certificate) return certificate.error();
  return describe(certificate->get());
}

result<request_info> read_certificate_request(std::string_view der) {
  const auto request = parse_certificate_request(der);
  if (!request) return request.error();
  const auto* subject = X509_REQ_get_subject_name(request->get());
  const auto* key = X509_REQ_get0_pubkey(request->get());
  request_info info;
  info.common_name = common_name_of(subject);
  info.subject = X509_NAME_entry_count(subject) == 0 ? std::string{} : rfc2253(subject);
  info.attributes = other_attributes(subject);
  const char* type = EVP_PKEY_get0_type_name(key);
  info.key_type = type == nullptr ? "" : type;
  if (info.key_type == "EC") info.curve = curve_of(key);
  info.key_bits = static_cast<unsigned>(std::max(0, EVP_PKEY_get_bits(key)));
  ERR_clear_error();
  return info;
}

}  // namespace postern::runtime
