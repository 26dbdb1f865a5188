#define CAF_SUITE x509
#include "runtime/x509.hpp"

#include "runtime/encoding.hpp"
#include "runtime/openssl_ptr.hpp"

#include <caf/test/unit_test.hpp>
#include <openssl/pem.h>

namespace rt = postern::runtime;
using namespace std::chrono_literals;

namespace {

// Made with OpenSSL's command line.
const std::string sec1_pem =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIHH7ooFN22wfwOH1eRZbXs72BbyzjetWDyh3dpklbulUoAoGCCqGSM49\n"
    "AwEHoUQDQgAE8h7V8U68GLndcco/J0P+YhaupciTDi30TsQNsVW37ITCY2+FZHRc\n"
    "DBjCl+Lh5sNM6sQLvnIskUPXPWmWG3t6vg==\n"
    "-----END EC PRIVATE KEY-----\n";
const std::string encrypted_pem =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgBqXYKqsUEBgICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEPrwL8f5JuuHjG7Mlzd64N8EgZAd\n"
    "3pN5fOEyh4tH4061/kMTh748PqwAUwOkkrjy2knQRxBeJDgNDwoS048l0RM9pANA\n"
    "Rf+Kp2uaDOb80wcB5H/JZk1sDufZ87UGUvUI6qAGru6ajkNBk6fyTbrAyAHyW8Z/\n"
    "WYFo6RDcwDPJxFzQE64gsWfVExKla7XHXz3LKBCmT8xTUV5mxLqwAP/BEQwhCjE=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
const std::string year_9999_pem =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBETCBtwICAKswCgYIKoZIzj0EAwIwEzERMA8GA1UEAwwIZm9yIGV2ZXIwIBcN\n"
    "NTAwMTAxMDAwMDAwWhgPOTk5OTEyMzEyMzU5NTlaMBMxETAPBgNVBAMMCGZvciBl\n"
    "dmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8h7V8U68GLndcco/J0P+Yhau\n"
    "pciTDi30TsQNsVW37ITCY2+FZHRcDBjCl+Lh5sNM6sQLvnIskUPXPWmWG3t6vjAK\n"
    "BggqhkjOPQQDAgNJADBGAiEA/J76/OI2gPbf5fAMNfSWufPeO2qzsMaEtmZkKRcN\n"
    "kLwCIQCIpOq6PaORsOdfTDxmftkKBRFBhw6f12kumIiceZKOUQ==\n"
    "-----END CERTIFICATE-----\n";
// /C=DE/O=Example/CN=first/CN=second
const std::string foreign_subject_csr =
    "MIH7MIGiAgEAMEAxCzAJBgNVBAYTAkRFMRAwDgYDVQQKDAdFeGFtcGxlMQ4wDAYDVQQDDAVmaXJzdDEPMA0GA1UEAw"
    "wGc2Vjb25kMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8h7V8U68GLndcco/J0P+YhaupciTDi30TsQNsVW37ITC"
    "Y2+FZHRcDBjCl+Lh5sNM6sQLvnIskUPXPWmWG3t6vqAAMAoGCCqGSM49BAMCA0gAMEUCIDkI4hlsxAkaLS+p8wIFAB"
    "AxbQkaEKK5p5S4BnucMx9BAiEA1LnGD4MPn4AqcdQ9GJtDESdM071kS59KnUhc/Tfw8+8=";
const std::string rsa_1024_csr =
    "MIIBTjCBuAIBADAPMQ0wCwYDVQQDDAR3ZWFrMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD7LBWhuhZPLU0iAr"
    "2EpCqm+DBxvmflMS5HRCqmJ4Jw3QYZHa/jKB6aaX8d+9ZU1jKq0pGYHiDeXYODTq4lqBixkxAmvncmwPy1cPllJRnl"
    "UfRCTkYRnOjuMXUM9OhzIr5yQ7uGGQgMV0/jee/3gV8TknfwS1YP4UymJIxNWwizEwIDAQABoAAwDQYJKoZIhvcNAQ"
    "ELBQADgYEAmastUs2s6iVEObpO1FU9mPwF82pO6x1ul2JTnHpN1G6hUJcIq0oUCbs/gBeMRh0KJGH5ShAH8qIku/BF"
    "sGQct2V6aM1XFCBj9sPevcFsWjoQTacOveSdMD4wfTb5TGFP/B8CZ4rBwskVunivAUq7OR9pk5SngWVQDMRJzCsQPp"
    "U=";
const std::string p384_without_subject_csr =
    "MIH2MH8CAQAwADB2MBAGByqGSM49AgEGBSuBBAAiA2IABCHP8bUu7uENm/iFfEigtQD3nBZkPiLZ0zWhqCHzQwgyOE"
    "idtGqctx9qxHdRKbOJ9FhKGeIdwjoVSetE5TUe5iv5GfHNtVI+OwexQMQTdR4qO0zP45pPq73UXBdSoBVyvqAAMAoG"
    "CCqGSM49BAMCA2cAMGQCMF/pvyycyAvGBnUtsWTBnxRvB0FsAObVqE451mm7Uly3QLnMIYlUY6LUE7mX1BpMawIwUx"
    "aNtPECMDhpI1I+GdTRFq9FzH8HpHkTtudAj0dkQsD0JH47rOR/61IDc+8p3lt9";
const std::string explicit_curve_csr =
    "MIIBwjCCAWkCAQAwEzERMA8GA1UEAwwIZXhwbGljaXQwggFLMIIBAwYHKoZIzj0CATCB9wIBATAsBgcqhkjOPQEBAi"
    "EA/////wAAAAEAAAAAAAAAAAAAAAD///////////////8wWwQg/////wAAAAEAAAAAAAAAAAAAAAD/////////////"
    "//wEIFrGNdiqOpPns+u9VXaYhrxlHQawzFOw9jvOPD4n0mBLAxUAxJ02CIbnBJNqZnjhE50mt4GffpAEQQRrF9Hy4S"
    "xCR/i85uVjpEDydwN9gS3rM6D0oTlF2JjClk/jQuL+Gn+bjufrSnwPnhYrzjNXazFezsu2QGg3v1H1AiEA/////wAA"
    "AAD//////////7zm+q2nF56E87nKwvxjJVECAQEDQgAEaCj7XKnrs8sxFjn6BkmkaWywmgpZ/3Z+tGi96uYw6yrnqc"
    "TmCxy5VVviEpNyeiX1mHRtjattSqRTh8cDZgma4qAAMAoGCCqGSM49BAMCA0cAMEQCIEBKkumitQRg0QiSRMz3l3Ch"
    "9H2vj6kreTkkSbBdCnJeAiBgWkv6zs+M/RqHp4sJNupWA+5cHY9LLA0sWNZWKQQKig==";
const std::string ed25519_csr =
    "MIGMMEACAQAwDTELMAkGA1UEAwwCZWQwKjAFBgMrZXADIQALC/ccE9OKQ2xqbtRJ2dwliXxtR8142UlGwFUvDoFP96"
    "AAMAUGAytlcANBAPhQQECWgF70OMc3p91y2bQ5mxJTLE5QyBfDV1rUFPskJ9PmU+vSQFoxFBbR0MTR83lOo4cZmKlq"
    "unsewIPhIQk=";

constexpr auto start = rt::timestamp{} + 20000 * 24h;

rt::certificate_profile profile(rt::certificate_profile::usage use, std::string name) {
  rt::certificate_profile made;
  made.serial_hex = "0a1b2c";
  made.common_name = std::move(name);
  made.organization = "Example";
  made.not_before = start;
  made.not_after = start + 365 * 24h;
  made.use = use;
  return made;
}

rt::x509_ptr native(const std::string& pem) {
  const auto bio = rt::read_only_bio(pem);
  return rt::x509_ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

std::string extension(const std::string& pem, int nid) {
  const auto certificate = native(pem);
  const int at = X509_get_ext_by_NID(certificate.get(), nid, -1);
  if (at < 0) return "none";
  const rt::bio_ptr bio(BIO_new(BIO_s_mem()));
  auto* found = X509_get_ext(certificate.get(), at);
  X509V3_EXT_print(bio.get(), found, 0, 0);
  return (X509_EXTENSION_get_critical(found) == 1 ? "critical, " : "") + rt::text_of(bio.get());
}

/// Whether OpenSSL's own chain building accepts the certificate for the purpose.
bool verifies(const std::string& pem, const std::string& authority_pem, int purpose,
              rt::timestamp at) {
  const rt::openssl_ptr<X509_STORE, X509_STORE_free> trusted(X509_STORE_new());
  const rt::openssl_ptr<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  const auto authority = native(authority_pem);
  const auto certificate = native(pem);
  X509_STORE_add_cert(trusted.get(), authority.get());
  X509_STORE_CTX_init(context.get(), trusted.get(), certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_STORE_CTX_set_time(context.get(), 0, rt::to_unix_seconds(at));
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
  return X509_verify_cert(context.get()) == 1;
}

template <class T>
std::string cause(const rt::result<T>& r) {
  if (r) return "none";
  CAF_CHECK(r.error().category == rt::error_category::invalid_input);
  return r.error().cause;
}

rt::result<rt::request_info> read_request(const std::string& base64) {
  return rt::read_certificate_request(*rt::from_base64(base64));
}

struct fixture {
  using usage = rt::certificate_profile::usage;
  rt::private_key authority_key = rt::private_key::generate();
  std::string authority =
      rt::self_sign(authority_key, profile(usage::authority, "Test authority")).value();
  rt::private_key key = rt::private_key::generate();
  std::string csr = rt::make_certificate_request(key, "connector-1");

  rt::result<std::string> signed_with(const rt::certificate_profile& p) {
    return rt::sign_request(csr, p, authority_key, authority);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(x509_tests, fixture)

CAF_TEST(a private key survives the way through PEM) {
  const auto pem = key.pem();
  CAF_CHECK(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
  const auto read = rt::private_key::parse_pem(pem);
  CAF_REQUIRE(read.has_value());
  CAF_CHECK_EQUAL(read->pem(), pem);
  CAF_CHECK_NOT_EQUAL(authority_key.pem(), pem);
}

CAF_TEST(a SEC1 key is read) {
  CAF_CHECK(rt::private_key::parse_pem(sec1_pem).has_value());
}

CAF_TEST(what is no plain key is refused without asking for a password) {
  CAF_CHECK_EQUAL(cause(rt::private_key::parse_pem(encrypted_pem)), "key_malformed");
  CAF_CHECK_EQUAL(cause(rt::private_key::parse_pem("")), "key_malformed");
  CAF_CHECK_EQUAL(cause(rt::private_key::parse_pem(authority)), "key_malformed");
  CAF_CHECK_EQUAL(cause(rt::private_key::parse_pem(std::string(2'000'000, 'x'))), "key_malformed");
}

CAF_TEST(a request says who asks with which key) {
  const auto info = rt::read_certificate_request(csr);
  CAF_REQUIRE(info.has_value());
  CAF_CHECK_EQUAL(info->common_name, "connector-1");
  CAF_CHECK_EQUAL(info->subject, "CN=connector-1");
  CAF_CHECK(info->attributes.empty());
  CAF_CHECK_EQUAL(info->key_type, "EC");
  CAF_CHECK_EQUAL(info->curve, "P-256");
  CAF_CHECK_EQUAL(info->key_bits, 256u);
}

CAF_TEST(everything foreign in a request is named) {
  const auto foreign = read_request(foreign_subject_csr).value();
  CAF_CHECK_EQUAL(foreign.common_name, "first");
  CAF_CHECK(foreign.attributes == std::vector<std::string>({"C", "O", "CN"}));
  const auto weak = read_request(rsa_1024_csr).value();
  CAF_CHECK_EQUAL(weak.key_type, "RSA");
  CAF_CHECK_EQUAL(weak.key_bits, 1024u);
  CAF_CHECK_EQUAL(weak.curve, "");
  const auto p384 = read_request(p384_without_subject_csr).value();
  CAF_CHECK_EQUAL(p384.curve, "P-384");
  CAF_CHECK_EQUAL(p384.subject + p384.common_name, "");
  CAF_CHECK(read_request(ed25519_csr)->key_type == "ED25519");
}

CAF_TEST(a curve spelled out by its parameters has no name) {
  const auto info = read_request(explicit_curve_csr);
  CAF_REQUIRE(info.has_value());
  CAF_CHECK_EQUAL(info->key_type, "EC");
  CAF_CHECK_EQUAL(info->curve, "");
}

CAF_TEST(a request without proof of possession is refused) {
  auto forged = csr;
  forged.back() = static_cast<char>(forged.back() ^ 1);
  CAF_CHECK_EQUAL(cause(rt::read_certificate_request(forged)), "csr_signature");
  const auto place = csr.find("connector-1");
  forged = csr;
  forged[place + 10] = '2';
  CAF_CHECK_EQUAL(cause(rt::read_certificate_request(forged)), "csr_signature");
  CAF_CHECK_EQUAL(
      cause(rt::sign_request(forged, profile(usage::client, "x"), authority_key, authority)),
      "csr_signature");
}

CAF_TEST(malformed requests are refused) {
  CAF_CHECK_EQUAL(cause(rt::read_certificate_request("")), "csr_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_certificate_request("rubbish")), "csr_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_certificate_request(csr + "x")), "csr_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_certificate_request(csr.substr(0, csr.size() - 1))),
                  "csr_malformed");
  CAF_CHECK_EQUAL(
      cause(rt::sign_request("", profile(usage::client, "x"), authority_key, authority)),
      "csr_malformed");
}

CAF_TEST(a name that is too long makes no request) {
  CAF_CHECK(!rt::make_certificate_request(key, std::string(64, 'x')).empty());
  CAF_CHECK_EQUAL(rt::make_certificate_request(key, std::string(65, 'x')), "");
}

CAF_TEST(an authority may sign certificates and nothing below it may) {
  CAF_CHECK_EQUAL(extension(authority, NID_basic_constraints), "critical, CA:TRUE, pathlen:0");
  CAF_CHECK_EQUAL(extension(authority, NID_key_usage), "critical, Certificate Sign, CRL Sign");
  CAF_CHECK_EQUAL(extension(authority, NID_ext_key_usage), "none");
  CAF_CHECK_NOT_EQUAL(extension(authority, NID_subject_key_identifier), "none");
  CAF_CHECK_EQUAL(extension(authority, NID_authority_key_identifier),
                  extension(authority, NID_subject_key_identifier));
  const auto info = rt::read_certificate_pem(authority).value();
  CAF_CHECK_EQUAL(info.subject, info.issuer);
}

CAF_TEST(a client certificate holds what the profile says) {
  auto wanted = profile(usage::client, "connector-1");
  wanted.uris = {"urn:postern:connector:1"};
  const auto pem = signed_with(wanted).value();
  const auto info = rt::read_certificate_pem(pem).value();
  CAF_CHECK_EQUAL(info.serial, "a1b2c");
  CAF_CHECK_EQUAL(info.common_name, "connector-1");
  CAF_CHECK_EQUAL(info.subject, "CN=connector-1,O=Example");
  CAF_CHECK_EQUAL(info.issuer, "CN=Test authority,O=Example");
  CAF_CHECK(info.uris == wanted.uris);
  CAF_CHECK(info.dns_names.empty());
  CAF_CHECK(info.not_before == wanted.not_before);
  CAF_CHECK(info.not_after == wanted.not_after);
  CAF_CHECK_EQUAL(extension(pem, NID_basic_constraints), "critical, CA:FALSE");
  CAF_CHECK_EQUAL(extension(pem, NID_key_usage), "critical, Digital Signature");
  CAF_CHECK_EQUAL(extension(pem, NID_ext_key_usage), "TLS Web Client Authentication");
  CAF_CHECK_EQUAL(extension(pem, NID_authority_key_identifier),
                  extension(authority, NID_subject_key_identifier));
  CAF_CHECK_EQUAL(X509_get_signature_nid(native(pem).get()), NID_ecdsa_with_SHA256);
}

CAF_TEST(a certificate carries the key of its request) {
  const auto pem = signed_with(profile(usage::client, "connector-1")).value();
  CAF_CHECK_EQUAL(X509_check_private_key(native(pem).get(), static_cast<EVP_PKEY*>(key.native())),
                  1);
}

CAF_TEST(a chain verifies for its purpose and its time only) {
  const auto client = signed_with(profile(usage::client, "connector-1")).value();
  CAF_CHECK(verifies(client, authority, X509_PURPOSE_SSL_CLIENT, start + 24h));
  CAF_CHECK(!verifies(client, authority, X509_PURPOSE_SSL_SERVER, start + 24h));
  CAF_CHECK(!verifies(client, authority, X509_PURPOSE_SSL_CLIENT, start - 24h));
  CAF_CHECK(!verifies(client, authority, X509_PURPOSE_SSL_CLIENT, start + 366 * 24h));
  const auto other =
      rt::self_sign(rt::private_key::generate(), profile(usage::authority, "Test authority"));
  CAF_CHECK(!verifies(client, *other, X509_PURPOSE_SSL_CLIENT, start + 24h));
}

CAF_TEST(a server certificate holds all its names) {
  auto wanted = profile(usage::server, "");
  wanted.organization = "";
  wanted.dns_names = {"*.localhost", "localhost"};
  wanted.ip_addresses = {"127.0.0.1", "::1"};
  const auto pem = rt::sign_key(key, wanted, authority_key, authority).value();
  CAF_CHECK(rt::read_certificate_pem(pem)->dns_names == wanted.dns_names);
  CAF_CHECK_EQUAL(extension(pem, NID_ext_key_usage), "TLS Web Server Authentication");
  CAF_CHECK_EQUAL(
      extension(pem, NID_subject_alt_name),
      "critical, DNS:*.localhost, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
  CAF_CHECK(verifies(pem, authority, X509_PURPOSE_SSL_SERVER, start + 24h));
}

CAF_TEST(a name cannot smuggle in another one) {
  auto wanted = profile(usage::server, "x");
  wanted.dns_names = {"a.example,DNS:b.example"};
  const auto info = rt::read_certificate_pem(signed_with(wanted).value()).value();
  CAF_CHECK(info.dns_names == wanted.dns_names);
}

CAF_TEST(a profile that no certificate can hold is refused) {
  const auto refused_with = [&](auto change) {
    auto wanted = profile(usage::client, "x");
    change(wanted);
    return cause(signed_with(wanted)) == "profile_malformed";
  };
  CAF_CHECK(!refused_with([](auto&) {}));
  CAF_CHECK(refused_with([](auto& p) { p.serial_hex = ""; }));
  CAF_CHECK(refused_with([](auto& p) { p.serial_hex = "0"; }));
  CAF_CHECK(refused_with([](auto& p) { p.serial_hex = "12x"; }));
  CAF_CHECK(!refused_with([](auto& p) { p.serial_hex = "7" + std::string(39, 'f'); }));
  CAF_CHECK(refused_with([](auto& p) { p.serial_hex = std::string(40, 'f'); }));
  CAF_CHECK(refused_with([](auto& p) { p.common_name = std::string(65, 'x'); }));
  CAF_CHECK(refused_with([](auto& p) { p.not_after = p.not_before - 1s; }));
  CAF_CHECK(refused_with([](auto& p) { p.ip_addresses = {"300.1.1.1"}; }));
  CAF_CHECK(refused_with([](auto& p) { p.dns_names = {""}; }));
  CAF_CHECK(refused_with([](auto& p) { p.uris = {"urn:\xc3\xa4"}; }));
}

CAF_TEST(an issuer signs with its own key only) {
  CAF_CHECK_EQUAL(cause(rt::sign_request(csr, profile(usage::client, "x"), key, authority)),
                  "key_malformed");
  CAF_CHECK_EQUAL(
      cause(rt::sign_request(csr, profile(usage::client, "x"), authority_key, "rubbish")),
      "certificate_malformed");
}

CAF_TEST(the year 9999 is read as the last time there is) {
  const auto info = rt::read_certificate_pem(year_9999_pem).value();
  CAF_CHECK(info.not_after > start + 100 * 365 * 24h);
  CAF_CHECK(info.not_before < rt::timestamp{});
  CAF_CHECK_EQUAL(info.serial, "ab");
}

CAF_TEST(malformed certificates are refused) {
  const auto der = rt::pem_to_der(authority);
  CAF_CHECK_EQUAL(cause(rt::read_certificate_der(der)), "none");
  CAF_CHECK_EQUAL(cause(rt::read_certificate_der(der + "x")), "certificate_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_certificate_der(der.substr(1))), "certificate_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_certificate_der("")), "certificate_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_certificate_pem("")), "certificate_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_certificate_pem(key.pem())), "certificate_malformed");
}

CAF_TEST(PEM and DER are two forms of one certificate) {
  const auto der = rt::pem_to_der(authority);
  CAF_CHECK_EQUAL(rt::certificate_der_to_pem(der), authority);
  const auto digest = rt::sha256(der);
  const auto info = rt::read_certificate_der(der).value();
  CAF_CHECK_EQUAL(info.fingerprint,
                  rt::to_hex({reinterpret_cast<const uint8_t*>(digest.data()), digest.size()}));
  CAF_CHECK_EQUAL(rt::pem_to_der("rubbish"), "");
  CAF_CHECK_EQUAL(rt::certificate_der_to_pem("rubbish"), "");
}

CAF_TEST(a bundle of certificates survives the way there and back) {
  const auto client = signed_with(profile(usage::client, "connector-1")).value();
  const auto bundle = rt::make_pkcs7({client, authority}).value();
  const auto read = rt::read_pkcs7(bundle);
  CAF_REQUIRE(read.has_value());
  CAF_CHECK(*read == std::vector<std::string>({client, authority}));
  CAF_CHECK_EQUAL(cause(rt::read_pkcs7(bundle + "x")), "certificate_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_pkcs7(rt::pem_to_der(authority))), "certificate_malformed");
  CAF_CHECK_EQUAL(cause(rt::read_pkcs7("")), "certificate_malformed");
  CAF_CHECK_EQUAL(cause(rt::make_pkcs7({"rubbish"})), "certificate_malformed");
}

CAF_TEST(a refusal leaves no error behind for the next TLS call of the thread) {
  static_cast<void>(rt::read_certificate_pem("rubbish"));
  static_cast<void>(rt::private_key::parse_pem("rubbish"));
  static_cast<void>(rt::read_pkcs7("rubbish"));
  static_cast<void>(rt::pem_to_der("rubbish"));
  static_cast<void>(rt::read_certificate_request("rubbish"));
  static_cast<void>(rt::make_certificate_request(key, std::string(65, 'x')));
  CAF_CHECK_EQUAL(ERR_peek_error(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
