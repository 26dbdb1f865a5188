#define CAF_SUITE named_certificates
#include "edge/named_certificates.hpp"

#include "tests/unit/edge/samples.hpp"
#include "tests/unit/runtime/temp_directory.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <caf/test/dsl.hpp>
#include <openssl/pem.h>

using namespace postern;
using namespace postern::edge;

namespace {

/// A configuration of two pairs and an authority, all of them good.
struct fixture {
  fixture() {
    for (int i = 0; i < 2; ++i) {
      const auto made = authority.server({"a.example"});
      const auto number = std::to_string(i);
      options.tls.certificates.push_back({folder.write(number + ".pem", made.certificate_pem),
                                          folder.write(number + ".key", made.key_pem)});
    }
    options.sts.issuer_ca_file = folder.write("ca.pem", authority.pem());
  }

  /// Whether the complaint is about this place and this file, and expects this.
  bool is_found(const std::string& place, const std::string& file, const std::string& expected) {
    const auto found = find_unusable_certificate(options, configuration);
    CAF_REQUIRE(found.has_value());
    CAF_MESSAGE(*found);
    return found->starts_with(configuration + place + ": ") && samples::contains(*found, file) &&
           samples::contains(*found, expected) && !samples::contains(*found, "\n");
  }

  test::temp_directory folder;
  test::tls_authority authority;
  config::node options;
  std::string configuration = folder.write("node.toml",
                                           "[sts]\n"
                                           "issuer_ca_file = 'ca.pem'\n"
                                           "[[tls.certificate]]\n"
                                           "certificate_file = '0.pem'\n"
                                           "key_file = '0.key'\n"
                                           "[[tls.certificate]]\n"
                                           "certificate_file = '1.pem'\n"
                                           "key_file = '1.key'\n");
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(named_certificates_tests, fixture)

CAF_TEST(nothing is wrong with good files and with none) {
  CAF_CHECK(!find_unusable_certificate(options, configuration));
  CAF_CHECK(!find_unusable_certificate({}, configuration));
}

CAF_TEST(a file that is missing is found at its line) {
  const auto missing = folder / "missing";
  options.sts.issuer_ca_file = missing;
  CAF_CHECK(is_found(":2: issuer_ca_file", missing, ""));
  options.tls.certificates[1].key_file = missing;
  CAF_CHECK(is_found(":8: key_file", missing, ""));
  options.tls.certificates[1].certificate_file = missing;
  CAF_CHECK(is_found(":7: certificate_file", missing, ""));
}

CAF_TEST(the first that cannot be used is told) {
  const auto rubbish = folder.write("rubbish", "rubbish");
  options.tls.certificates[0].key_file = options.tls.certificates[1].certificate_file = rubbish;
  CAF_CHECK(is_found(":5: key_file", rubbish, "expected an unencrypted PEM private key"));
}

CAF_TEST(a key in place of a certificate is found) {
  auto& pair = options.tls.certificates[1];
  pair.certificate_file = pair.key_file;
  CAF_CHECK(is_found(":7: certificate_file", pair.key_file, "expected a PEM certificate"));
  options.tls.certificates.clear();
  options.sts.issuer_ca_file = folder / "0.key";
  CAF_CHECK(is_found(":2: issuer_ca_file", folder / "0.key", "expected PEM certificates"));
}

CAF_TEST(the key of another certificate is found) {
  options.tls.certificates[1].key_file = folder / "0.key";
  CAF_CHECK(is_found(":8: key_file", folder / "0.key", "expected the key of certificate_file"));
}

CAF_TEST(an encrypted key is refused and nobody is asked for its password) {
  const auto key = runtime::private_key::generate();
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(out, static_cast<EVP_PKEY*>(key.native()), EVP_aes_128_cbc(),
                                "secret", 6, nullptr, nullptr);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out, &data);
  const auto file = folder.write("locked.key", {data, static_cast<size_t>(size)});
  BIO_free(out);
  options.tls.certificates[0].key_file = file;
  CAF_CHECK(is_found(":5: key_file", file, "expected an unencrypted PEM private key"));
}

CAF_TEST(a configuration that has changed since is named without a line) {
  folder.write("node.toml", "# all gone\n");
  options.tls.certificates[1].key_file = folder / "missing";
  CAF_CHECK(is_found(": key_file", folder / "missing", ""));
}

CAF_TEST_FIXTURE_SCOPE_END()
