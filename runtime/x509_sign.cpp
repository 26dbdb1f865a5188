// Making certificates and requests (RFC 5280, RFC 2986).

#include "runtime/x509.hpp"
#include "runtime/x509_parse.hpp"

#include <algorithm>
#include <cctype>

namespace postern::runtime {

namespace {

using general_name_ptr = openssl_ptr<GENERAL_NAME, GENERAL_NAME_free>;
using general_names_ptr = openssl_ptr<GENERAL_NAMES, GENERAL_NAMES_free>;
using extension_ptr = openssl_ptr<X509_EXTENSION, X509_EXTENSION_free>;
using integer_ptr = openssl_ptr<ASN1_INTEGER, ASN1_INTEGER_free>;

constexpr int serial_bits = 159;  // 20 octets as a positive INTEGER (RFC 5280, 4.1.2.2)
constexpr int version_3 = 2;

error profile_error(const char* what) {
  return {error_category::invalid_input, "profile_malformed", "service",
          std::string(what) + ": " + take_openssl_error()};
}

EVP_PKEY* native(const private_key& key) {
  return static_cast<EVP_PKEY*>(key.native());
}

bool add_attribute(X509_NAME* name, int nid, const std::string& value) {
  return value.empty() ||
         X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool set_serial(X509* certificate, const std::string& hex) {
  const bool digits_only =
      !hex.empty() && hex.size() <= 40 &&
      std::ranges::all_of(hex, [](unsigned char c) { return std::isxdigit(c) != 0; });
  BIGNUM* parsed = nullptr;
  if (!digits_only || BN_hex2bn(&parsed, hex.c_str()) == 0) return false;
  const bignum_ptr number(parsed);
  if (BN_is_zero(parsed) || BN_num_bits(parsed) > serial_bits) return false;
  const integer_ptr serial(BN_to_ASN1_INTEGER(parsed, nullptr));
  return serial && X509_set_serialNumber(certificate, serial.get()) == 1;
}

bool set_validity(X509* certificate, const certificate_profile& profile) {
  return profile.not_before <= profile.not_after &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), to_unix_seconds(profile.not_before)) !=
             nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), to_unix_seconds(profile.not_after)) !=
             nullptr;
}

/// By objects, never by OpenSSL's configuration text: a comma in a name would start another name
/// there.
bool add_name(GENERAL_NAMES* names, int type, const std::string& value) {
  general_name_ptr name(GENERAL_NAME_new());
  ASN1_STRING* content = type == GEN_IPADD ? a2i_IPADDRESS(value.c_str()) : ASN1_IA5STRING_new();
  if (!name || content == nullptr) return false;
  GENERAL_NAME_set0_value(name.get(), type, content);
  if (type != GEN_IPADD &&
      ASN1_STRING_set(content, value.data(), static_cast<int>(value.size())) != 1)
    return false;
  auto* pushed = name.release();
  if (sk_GENERAL_NAME_push(names, pushed) != 0) return true;
  GENERAL_NAME_free(pushed);
  return false;
}

bool is_visible_ascii(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool add_alternative_names(X509* certificate, const certificate_profile& profile) {
  const general_names_ptr names(GENERAL_NAMES_new());
  const auto add_all = [&](int type, const std::vector<std::string>& values) {
    return std::ranges::all_of(values, [&](const auto& v) {
      return is_visible_ascii(v) && add_name(names.get(), type, v);
    });
  };
  if (!add_all(GEN_DNS, profile.dns_names) || !add_all(GEN_IPADD, profile.ip_addresses) ||
      !add_all(GEN_URI, profile.uris))
    return false;
  if (sk_GENERAL_NAME_num(names.get()) == 0) return true;
  // Critical if the subject is empty (RFC 5280, 4.2.1.6).
  const int critical = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0 ? 1 : 0;
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), critical,
                           X509V3_ADD_DEFAULT) == 1;
}

bool add_extension(X509* certificate, X509V3_CTX* context, int nid, const char* value) {
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_extensions(X509* certificate, X509* issuer, const certificate_profile& profile) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const auto add = [&](int nid, const char* value) {
    return add_extension(certificate, &context, nid, value);
  };
  bool done =
      add(NID_subject_key_identifier, "hash") && add(NID_authority_key_identifier, "keyid:always");
  if (profile.use == certificate_profile::usage::authority) {
    done = done && add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add(NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    const bool client = profile.use == certificate_profile::usage::client;
    done = done && add(NID_basic_constraints, "critical,CA:FALSE") &&
           add(NID_key_usage, "critical,digitalSignature") &&
           add(NID_ext_key_usage, client ? "clientAuth" : "serverAuth");
  }
  return done && add_alternative_names(certificate, profile);
}

/// Everything but the signature. Without an issuer the certificate is its own.
result<x509_ptr> fill(EVP_PKEY* subject_key, const certificate_profile& profile, X509* issuer) {
  x509_ptr certificate(X509_new());
  auto* made = certificate.get();
  if (made == nullptr || X509_set_version(made, version_3) != 1)
    return profile_error("certificate");
  if (!set_serial(made, profile.serial_hex)) return profile_error("serial number");
  if (!set_validity(made, profile)) return profile_error("validity");
  auto* subject = X509_get_subject_name(made);
  if (!add_attribute(subject, NID_organizationName, profile.organization) ||
      !add_attribute(subject, NID_commonName, profile.common_name))
    return profile_error("subject");
  const auto* issuer_name = issuer == nullptr ? subject : X509_get_subject_name(issuer);
  if (X509_set_issuer_name(made, issuer_name) != 1 || X509_set_pubkey(made, subject_key) != 1)
    return x509_error("key_malformed");
  if (!add_extensions(made, issuer == nullptr ? made : issuer, profile))
    return profile_error("extensions");
  return certificate;
}

result<std::string> sign(EVP_PKEY* subject_key, const certificate_profile& profile,
                         const private_key& issuer_key, std::string_view issuer_certificate_pem) {
  ensure(profile.use != certificate_profile::usage::authority,
         "an authority signs no other authority");
  const auto issuer = parse_certificate_pem(issuer_certificate_pem);
  if (!issuer) return issuer.error();
  if (X509_check_private_key(issuer->get(), native(issuer_key)) != 1)
    return x509_error("key_malformed");
  const auto certificate = fill(subject_key, profile, issuer->get());
  if (!certificate) return certificate.error();
  if (X509_sign(certificate->get(), native(issuer_key), EVP_sha256()) == 0)
    return x509_error("key_malformed");
  return certificate_pem(certificate->get());
}

}  // namespace

std::string make_certificate_request(const private_key& key, const std::string& common_name) {
  const x509_req_ptr request(X509_REQ_new());
  const bool done =
      request && X509_REQ_set_version(request.get(), 0) == 1 &&
      add_attribute(X509_REQ_get_subject_name(request.get()), NID_commonName, common_name) &&
      X509_REQ_set_pubkey(request.get(), native(key)) == 1 &&
      X509_REQ_sign(request.get(), native(key), EVP_sha256()) != 0;
  if (done) return to_der(request.get(), i2d_X509_REQ);
  // A name of over 64 characters (RFC 5280, ub-common-name): whoever gets the request refuses it as
  // malformed.
  ERR_clear_error();
  return {};
}

result<std::string> sign_request(std::string_view csr_der, const certificate_profile& profile,
                                 const private_key& issuer_key,
                                 std::string_view issuer_certificate_pem) {
  const auto request = parse_certificate_request(csr_der);
  if (!request) return request.error();
  return sign(X509_REQ_get0_pubkey(request->get()), profile, issuer_key, issuer_certificate_pem);
}

result<std::string> self_sign(const private_key& key, const certificate_profile& profile) {
  ensure(profile.use == certificate_profile::usage::authority, "only an authority signs itself");
  const auto certificate = fill(native(key), profile, nullptr);
  if (!certificate) return certificate.error();
  if (X509_sign(certificate->get(), native(key), EVP_sha256()) == 0)
    return x509_error("key_malformed");
  return certificate_pem(certificate->get());
}

result<std::string> sign_key(const private_key& key, const certificate_profile& profile,
                             const private_key& issuer_key,
                             std::string_view issuer_certificate_pem) {
  return sign(native(key), profile, issuer_key, issuer_certificate_pem);
}

}  // namespace postern::runtime
