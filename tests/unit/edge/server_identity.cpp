#define CAF_SUITE server_identity
#include "edge/server_identity.hpp"

#include "runtime/files.hpp"
#include "runtime/x509.hpp"
#include "tests/unit/edge/samples.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>
#include <openssl/pem.h>

#include <algorithm>
#include <sys/stat.h>

using namespace postern;
using namespace postern::edge;
using namespace postern::edge::samples;

namespace {

using names = std::vector<std::string>;

struct fixture {
  test::temp_directory folder;
  config::node options;
  config::published published;
  runtime::manual_wall_clock clock{runtime::from_unix_seconds(1'700'000'000)};
  runtime::seeded_random_source random{5};

  fixture() {
    options.data_directory = folder / "";
    options.names = {"connectors.example", "admin.example", "sts.example"};
    published.applications = {reports, wiki};
  }

  /// The certificate that is shown to names that nothing else fits.
  static std::string certificate(const server_identity& identity) {
    const auto connection = identity.current()->make_connection();
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, SSL_get_certificate(connection.get()));
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(out);
    return pem;
  }
  static names names_in(const server_identity& identity) {
    auto found = runtime::read_certificate_pem(certificate(identity)).value().dns_names;
    std::sort(found.begin(), found.end());
    return found;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(server_identity_tests, fixture)

CAF_TEST(an own authority signs for every name that is published) {
  server_identity identity{options, {}, clock, random};
  CAF_REQUIRE(identity.start().has_value());
  CAF_CHECK(identity.current() == nullptr);
  CAF_REQUIRE(identity.update(published).has_value());
  CAF_CHECK(names_in(identity) == (names{"admin.example", "connectors.example", "intranet.example",
                                         "sts.example", "wiki.example"}));
  const auto shown = runtime::read_certificate_pem(certificate(identity)).value();
  const auto authority = runtime::read_certificate_pem(identity.own_authority_pem()).value();
  CAF_CHECK_EQUAL(shown.issuer, authority.subject);
  CAF_CHECK(shown.not_after - shown.not_before <=
            std::chrono::hours{24 * 398});  // what browsers accept
  CAF_CHECK(shown.not_before < clock.now());
  struct stat s{};
  CAF_REQUIRE_EQUAL(::stat((folder / "server-ca.key").c_str(), &s), 0);
  CAF_CHECK_EQUAL(s.st_mode & 07777u, 0600u);
}

CAF_TEST(without an own sts its name is not signed) {
  options.sts.enabled = false;
  server_identity identity{options, {}, clock, random};
  CAF_REQUIRE(identity.start().has_value());
  CAF_REQUIRE(identity.update({}).has_value());
  CAF_CHECK(names_in(identity) == (names{"admin.example", "connectors.example"}));
}

CAF_TEST(the authority stays across starts) {
  server_identity first{options, {}, clock, random}, second{options, {}, clock, random};
  CAF_REQUIRE(first.start().has_value());
  CAF_REQUIRE(second.start().has_value());
  CAF_CHECK_EQUAL(first.own_authority_pem(), second.own_authority_pem());
  CAF_CHECK(second.update(published).has_value());
}

CAF_TEST(a service with a long name gets its certificate as well) {
  options.names.service = std::string(60, 'c') + ".postern.production.example";
  server_identity identity{options, {}, clock, random};
  CAF_REQUIRE(identity.start().has_value());
  CAF_REQUIRE(identity.update(published).has_value());
  CAF_CHECK_EQUAL(std::ranges::count(names_in(identity), options.names.service), 1);
}

CAF_TEST(an authority that cannot be read is not replaced) {
  server_identity first{options, {}, clock, random};
  CAF_REQUIRE(first.start().has_value());
  const auto kept = runtime::read_file(folder / "server-ca.pem").value();
  std::filesystem::remove(folder / "server-ca.key");
  std::filesystem::create_directory(folder / "server-ca.key");
  server_identity second{options, {}, clock, random};
  const auto refused = second.start();
  CAF_REQUIRE(refused.has_error());
  CAF_CHECK(refused.error().detail.find("server-ca.key") != std::string::npos);
  CAF_CHECK_EQUAL(runtime::read_file(folder / "server-ca.pem").value(), kept);
}

CAF_TEST(an authority that was only half written is made anew) {
  server_identity first{options, {}, clock, random};
  CAF_REQUIRE(first.start().has_value());
  std::filesystem::remove(folder / "server-ca.pem");
  server_identity second{options, {}, clock, random};
  CAF_REQUIRE(second.start().has_value());
  CAF_CHECK(second.update(published).has_value());
  CAF_CHECK(first.own_authority_pem() != second.own_authority_pem());
}

CAF_TEST(a new certificate is made for new names only) {
  server_identity identity{options, {}, clock, random};
  CAF_REQUIRE(identity.start().has_value());
  CAF_REQUIRE(identity.update(published).has_value());
  const auto before = identity.current();
  published.applications[0].maintenance = true;
  CAF_REQUIRE(identity.update(published).has_value());
  CAF_CHECK(identity.current() == before);
  published.applications.push_back(make_application("new", "https://new.example/"));
  CAF_REQUIRE(identity.update(published).has_value());
  CAF_CHECK(identity.current() != before);
  CAF_CHECK_EQUAL(names_in(identity).size(), 6u);
}

CAF_TEST(configured files are shown and no authority is made) {
  const auto key = runtime::private_key::generate();
  const auto pem = runtime::self_sign(key, {.serial_hex = "07",
                                            .common_name = "configured",
                                            .not_before = clock.now(),
                                            .not_after = clock.now() + std::chrono::hours{1},
                                            .use = runtime::certificate_profile::usage::authority})
                       .value();
  options.tls.certificates = {{folder.write("a.pem", pem), folder.write("a.key", key.pem())}};
  server_identity identity{options, {}, clock, random};
  CAF_REQUIRE(identity.start().has_value());
  CAF_REQUIRE(identity.update(published).has_value());
  CAF_CHECK_EQUAL(runtime::read_certificate_pem(certificate(identity)).value().common_name,
                  "configured");
  CAF_CHECK_EQUAL(identity.own_authority_pem(), "");
  CAF_CHECK(!std::filesystem::exists(folder / "server-ca.key"));
}

CAF_TEST(an own certificate is replaced when half its time is over) {
  server_identity identity{options, {}, clock, random};
  CAF_REQUIRE(identity.start().has_value());
  CAF_CHECK(!identity.refresh().value());
  CAF_REQUIRE(identity.update(published).has_value());
  const auto first = certificate(identity);
  clock.advance(std::chrono::hours{24 * 198});
  CAF_CHECK(!identity.refresh().value());
  CAF_CHECK_EQUAL(certificate(identity), first);
  clock.advance(std::chrono::hours{24});
  CAF_CHECK(identity.refresh().value());
  const auto second = runtime::read_certificate_pem(certificate(identity)).value();
  CAF_CHECK(second.not_after > clock.now() + std::chrono::hours{24 * 396});
  CAF_CHECK_EQUAL(names_in(identity).size(), 5u);
  CAF_CHECK(!identity.refresh().value());
}

CAF_TEST(renewed files are shown and unusable ones are not) {
  const auto renew = [&](const char* name) {
    const auto key = runtime::private_key::generate();
    folder.write("a.pem",
                 runtime::self_sign(key, {.serial_hex = "07",
                                          .common_name = name,
                                          .not_before = clock.now(),
                                          .not_after = clock.now() + std::chrono::hours{1},
                                          .use = runtime::certificate_profile::usage::authority})
                     .value());
    return key.pem();
  };
  const auto shown = [&](const server_identity& identity) {
    return runtime::read_certificate_pem(certificate(identity)).value().common_name;
  };
  folder.write("a.key", renew("first"));
  options.tls.certificates = {{folder / "a.pem", folder / "a.key"}};
  server_identity identity{options, {}, clock, random};
  CAF_REQUIRE(identity.start().has_value());
  CAF_REQUIRE(identity.update(published).has_value());
  CAF_CHECK(!identity.refresh().value());
  // The certificate is there already, its key not yet.
  const auto key = renew("second");
  CAF_CHECK_EQUAL(identity.refresh().error().cause, "tls_identity");
  CAF_CHECK_EQUAL(shown(identity), "first");
  folder.write("a.key", key);
  CAF_CHECK(identity.refresh().value());
  CAF_CHECK_EQUAL(shown(identity), "second");
  std::filesystem::remove(folder / "a.key");
  CAF_CHECK_EQUAL(identity.refresh().error().cause, "file_missing");
  CAF_CHECK_EQUAL(shown(identity), "second");
}

CAF_TEST(files that are missing or do not fit are said) {
  options.tls.certificates = {{folder / "none.pem", folder / "none.key"}};
  server_identity missing{options, {}, clock, random};
  const auto why = missing.start().error();
  CAF_CHECK_EQUAL(why.cause, "file_missing");
  CAF_CHECK(contains(why.detail, "none.pem"));
  options.tls.certificates = {{folder.write("a.pem", "x"), folder.write("a.key", "y")}};
  server_identity garbage{options, {}, clock, random};
  CAF_REQUIRE(garbage.start().has_value());
  CAF_CHECK_EQUAL(garbage.update(published).error().cause, "tls_identity");
  CAF_CHECK(garbage.current() == nullptr);
}

CAF_TEST_FIXTURE_SCOPE_END()
