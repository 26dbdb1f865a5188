#define CAF_SUITE x509_sign
// What of a profile, and of a request, gets into a certificate.
#include "runtime/x509.hpp"
#include "runtime/x509_parse.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::runtime;
using namespace std::chrono_literals;

namespace {

using usage = certificate_profile::usage;

certificate_profile profile(usage use, std::string name) {
  return {.serial_hex = "01",
          .common_name = std::move(name),
          .not_before = from_unix_seconds(1'600'000'000),
          .not_after = from_unix_seconds(1'700'000'000),
          .use = use};
}

struct fixture {
  result<std::string> sign(const certificate_profile& wanted) const {
    return sign_key(key, wanted, issuer_key, issuer);
  }
  certificate_info made(const certificate_profile& wanted) const {
    return read_certificate_pem(sign(wanted).value()).value();
  }

  private_key issuer_key = private_key::generate(), key = private_key::generate();
  std::string issuer = self_sign(issuer_key, profile(usage::authority, "Authority")).value();
};

/// A request that asks for more than a key to be signed.
std::string greedy_request(const private_key& key) {
  auto* native = static_cast<EVP_PKEY*>(key.native());
  const x509_req_ptr request(X509_REQ_new());
  X509V3_CTX context;
  X509V3_set_ctx(&context, nullptr, nullptr, request.get(), nullptr, 0);
  auto* extensions = sk_X509_EXTENSION_new_null();
  for (const auto& [nid, value] : {std::pair{NID_basic_constraints, "critical,CA:TRUE"},
                                   std::pair{NID_subject_alt_name, "DNS:admin.example"}})
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  X509_REQ_add_extensions(request.get(), extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  X509_REQ_set_pubkey(request.get(), native);
  CAF_REQUIRE(X509_REQ_sign(request.get(), native, EVP_sha256()) > 0);
  return to_der(request.get(), i2d_X509_REQ);
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(x509_sign_tests, fixture)

CAF_TEST(a request gets its key signed and none of its wishes) {
  const auto pem =
      sign_request(greedy_request(key), profile(usage::client, "wanted"), issuer_key, issuer);
  CAF_REQUIRE(pem.has_value());
  const auto info = read_certificate_pem(*pem).value();
  CAF_CHECK_EQUAL(info.common_name, "wanted");
  CAF_CHECK(info.dns_names.empty());
  const auto certificate = parse_certificate_pem(*pem).value();
  CAF_CHECK_EQUAL(X509_check_ca(certificate.get()), 0);
  CAF_CHECK_EQUAL(X509_check_private_key(certificate.get(), static_cast<EVP_PKEY*>(key.native())),
                  1);
}

CAF_TEST(times of any century are kept to the second) {
  auto wanted = profile(usage::server, "x");
  wanted.not_before = from_unix_seconds(-1'000'000'000);  // 1938
  wanted.not_after = from_unix_seconds(4'000'000'000);    // 2096, past the two-digit years
  auto info = made(wanted);
  CAF_CHECK(info.not_before == wanted.not_before);
  CAF_CHECK(info.not_after == wanted.not_after);
  wanted.not_before = wanted.not_after = from_unix_seconds(1'700'000'000) + 999ms;
  info = made(wanted);
  CAF_CHECK(info.not_before == from_unix_seconds(1'700'000'000));
  CAF_CHECK(info.not_after == info.not_before);
}

CAF_TEST(a serial number may be written in either case) {
  auto wanted = profile(usage::client, "x");
  wanted.serial_hex = "00FfA0";
  CAF_CHECK_EQUAL(made(wanted).serial, "ffa0");
  wanted.serial_hex = std::string(38, '0') + "8f";
  CAF_CHECK_EQUAL(made(wanted).serial, "8f");
  wanted.serial_hex = "-1";
  CAF_CHECK(sign(wanted).has_error());
}

CAF_TEST(names are counted in characters and have to be UTF - 8) {
  std::string longest;
  for (int i = 0; i < 64; ++i)
    longest += "\xc3\xa4";
  CAF_CHECK_EQUAL(made(profile(usage::client, longest)).common_name, longest);
  CAF_CHECK_EQUAL(sign(profile(usage::client, longest + "x")).error().cause, "profile_malformed");
  CAF_CHECK_EQUAL(sign(profile(usage::client, "\xff")).error().cause, "profile_malformed");
}

CAF_TEST(alternative names are critical only if there is no other name) {
  const auto critical = [&](const certificate_profile& wanted) {
    const auto certificate = parse_certificate_pem(sign(wanted).value()).value();
    const int at = X509_get_ext_by_NID(certificate.get(), NID_subject_alt_name, -1);
    return at < 0 ? -1 : X509_EXTENSION_get_critical(X509_get_ext(certificate.get(), at));
  };
  auto wanted = profile(usage::server, "x");
  CAF_CHECK_EQUAL(critical(wanted), -1);
  wanted.dns_names = {"x.example"};
  CAF_CHECK_EQUAL(critical(wanted), 0);
  wanted.common_name = "";
  CAF_CHECK_EQUAL(critical(wanted), 1);
}

CAF_TEST(a name with white space or a control character is refused) {
  for (const auto* name : {" ", "a b", "a\n", "a\x7f", "\x1b[0m"}) {
    auto wanted = profile(usage::server, "x");
    wanted.dns_names = {"good.example", name};
    CAF_CHECK_EQUAL(sign(wanted).error().cause, "profile_malformed");
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
