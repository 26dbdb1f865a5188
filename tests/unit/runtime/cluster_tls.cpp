#define CAF_SUITE cluster_tls
// Who may be a member; handshakes stand in cluster_link.cpp.
#include "runtime/cluster_tls.hpp"

#include "runtime/wall_clock.hpp"
#include "runtime/x509.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/unit_test.hpp>

namespace rt = postern::runtime;

namespace {

struct fixture {
  postern::test::temp_directory folder;
  rt::timestamp now = rt::system_wall_clock{}.now();

  rt::certificate_profile profile(const char* name, bool authority, std::chrono::hours age) const {
    rt::certificate_profile p;
    p.serial_hex = "01";
    p.common_name = name;
    p.not_before = now - age;
    p.not_after = p.not_before + std::chrono::hours{24};
    p.use = authority ? rt::certificate_profile::usage::authority
                      : rt::certificate_profile::usage::server;
    return p;
  }

  /// The files of a member of a fresh authority, named after it.
  rt::cluster_files member(const std::string& name,
                           std::chrono::hours age = std::chrono::hours{1}) {
    const auto authority_key = rt::private_key::generate();
    const auto key = rt::private_key::generate();
    const auto authority =
        rt::self_sign(authority_key, profile("authority", true, std::chrono::hours{1})).value();
    const auto certificate =
        rt::sign_key(key, profile("node", false, age), authority_key, authority).value();
    return {folder.write(name + ".pem", certificate), folder.write(name + ".key", key.pem()),
            folder.write(name + "-ca.pem", authority)};
  }

  static std::string cause(const rt::cluster_files& files) {
    const auto checked = rt::check_cluster_files(files);
    return checked ? "" : checked.error().cause;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(cluster_tls_tests, fixture)

CAF_TEST(a certificate of the authority with its key makes a member) {
  CAF_CHECK_EQUAL(cause(member("a")), "");
}

CAF_TEST(none of the three files may be missing) {
  const auto all = member("a");
  CAF_CHECK_EQUAL(cause({}), "cluster_files_missing");
  CAF_CHECK_EQUAL(cause({{}, all.key, all.authority}), "cluster_files_missing");
  CAF_CHECK_EQUAL(cause({all.certificate, {}, all.authority}), "cluster_files_missing");
  CAF_CHECK_EQUAL(cause({all.certificate, all.key, {}}), "cluster_files_missing");
  CAF_CHECK_EQUAL(cause({all.certificate, all.key, folder / "nothing"}), "cluster_certificate");
}

CAF_TEST(files of two members or authorities do not fit) {
  const auto a = member("a");
  const auto b = member("b");
  CAF_CHECK_EQUAL(cause({a.certificate, b.key, a.authority}), "cluster_certificate");
  CAF_CHECK_EQUAL(cause({a.certificate, a.key, b.authority}), "cluster_certificate");
  CAF_CHECK_EQUAL(cause({a.key, a.key, a.authority}), "cluster_certificate");
}

CAF_TEST(a certificate that has expired does not count) {
  CAF_CHECK_EQUAL(cause(member("old", std::chrono::hours{48})), "cluster_certificate");
}

CAF_TEST_FIXTURE_SCOPE_END()
