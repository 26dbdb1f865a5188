#define CAF_SUITE x509_read
// Certificates and requests that our own signing would never make.
#include "runtime/x509.hpp"
#include "runtime/x509_parse.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::runtime;
using namespace std::literals;

namespace {

struct fixture {
  EVP_PKEY* native() const { return static_cast<EVP_PKEY*>(key.native()); }

  std::string plain(const std::string& common_name = "plain") const {
    return self_sign(key, {.serial_hex = "01",
                           .common_name = common_name,
                           .organization = "Example",
                           .not_before = from_unix_seconds(1'600'000'000),
                           .not_after = from_unix_seconds(1'700'000'000),
                           .use = certificate_profile::usage::authority})
        .value();
  }

  /// A certificate after `change(X509*)`, signed again.
  template <class F>
  certificate_info changed(F change) const {
    const auto certificate = parse_certificate_pem(plain()).value();
    change(certificate.get());
    CAF_REQUIRE(X509_sign(certificate.get(), native(), EVP_sha256()) > 0);
    return read_certificate_der(to_der(certificate.get(), i2d_X509)).value();
  }

  private_key key = private_key::generate();
};

void add_name(GENERAL_NAMES* names, int type, const std::string& text) {
  auto* content = ASN1_IA5STRING_new();
  ASN1_STRING_set(content, text.data(), static_cast<int>(text.size()));
  auto* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, content);
  sk_GENERAL_NAME_push(names, name);
}

void add_attribute(X509_NAME* to, const char* type, int form, std::string_view value) {
  CAF_REQUIRE_EQUAL(X509_NAME_add_entry_by_txt(to, type, form,
                                               reinterpret_cast<const unsigned char*>(value.data()),
                                               static_cast<int>(value.size()), -1, 0),
                    1);
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(x509_read_tests, fixture)

CAF_TEST(of a chain the first certificate is read and text around it is not) {
  const auto chain = "subject=/CN=other\n" + plain("first") + "\nissuer\n" + plain("second");
  CAF_CHECK_EQUAL(read_certificate_pem(chain).value().common_name, "first");
}

CAF_TEST(a name with a zero byte is not cut short) {
  const auto hidden = "good.example\0.evil.example"s;
  const auto info = changed([&](X509* certificate) {
    const openssl_ptr<GENERAL_NAMES, GENERAL_NAMES_free> names(GENERAL_NAMES_new());
    add_name(names.get(), GEN_DNS, hidden);
    add_name(names.get(), GEN_EMAIL, "bob@good.example");
    add_name(names.get(), GEN_URI, "urn:x");
    X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT);
  });
  CAF_REQUIRE_EQUAL(info.dns_names.size(), 1u);
  CAF_CHECK(info.dns_names[0] == hidden);
  CAF_CHECK(info.uris == std::vector<std::string>{"urn:x"});
}

CAF_TEST(a common name cannot pretend to be another attribute) {
  const auto info = read_certificate_pem(plain("a,O=Other+OU=x")).value();
  CAF_CHECK_EQUAL(info.common_name, "a,O=Other+OU=x");
  CAF_CHECK_EQUAL(info.subject, "CN=a\\,O=Other\\+OU=x,O=Example");
}

CAF_TEST(a common name is UTF - 8 whatever it was) {
  const auto info = changed([](X509* certificate) {
    const openssl_ptr<X509_NAME, X509_NAME_free> name(X509_NAME_new());
    add_attribute(name.get(), "CN", V_ASN1_BMPSTRING, "\0B\0\xe4\0r"sv);
    X509_set_subject_name(certificate, name.get());
  });
  CAF_CHECK_EQUAL(info.common_name, "B\xc3\xa4r");
}

CAF_TEST(a certificate without names has empty ones) {
  const auto info = changed([](X509* certificate) {
    const openssl_ptr<X509_NAME, X509_NAME_free> none(X509_NAME_new());
    X509_set_subject_name(certificate, none.get());
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0);
  });
  CAF_CHECK_EQUAL(info.subject + info.common_name, "");
  CAF_CHECK_EQUAL(info.serial, "0");
  CAF_CHECK(info.dns_names.empty());
}

CAF_TEST(an attribute that nobody knows is shown by its number) {
  const x509_req_ptr request(X509_REQ_new());
  auto* subject = X509_REQ_get_subject_name(request.get());
  add_attribute(subject, "CN", MBSTRING_UTF8, "x");
  add_attribute(subject, "1.3.6.1.4.1.99999.7", MBSTRING_UTF8, "y");
  X509_REQ_set_pubkey(request.get(), native());
  CAF_REQUIRE(X509_REQ_sign(request.get(), native(), EVP_sha256()) > 0);
  const auto info = read_certificate_request(to_der(request.get(), i2d_X509_REQ)).value();
  CAF_CHECK_EQUAL(info.common_name, "x");
  CAF_CHECK(info.attributes == std::vector<std::string>{"1.3.6.1.4.1.99999.7"});
}

CAF_TEST(what is larger than anything honest is not looked at) {
  const auto filled = [&](size_t size) {
    const auto pem = plain();
    return pem + std::string(size - pem.size(), '\n');
  };
  CAF_CHECK(read_certificate_pem(filled(max_x509_bytes)).has_value());
  CAF_CHECK_EQUAL(read_certificate_pem(filled(max_x509_bytes + 1)).error().cause,
                  "certificate_malformed");
  CAF_CHECK_EQUAL(pem_to_der(filled(max_x509_bytes + 1)), "");
}

CAF_TEST_FIXTURE_SCOPE_END()
