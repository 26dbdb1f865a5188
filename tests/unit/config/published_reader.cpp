#define CAF_SUITE published_reader
// What the file as a whole decides: order, and the file that one of its keys names.
#include "config/published.hpp"
#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;

namespace {

const std::string hq = "[[group]]\nname = \"hq\"\n";

/// Five lines of a good application, and more.
std::string application_with(const std::string& lines, const std::string& name = "wiki") {
  return "[[application]]\nname = \"" + name + "\"\nexternal_url = \"https://" + name +
         ".example.com/\"\ninternal_url = \"https://wiki.corp/\"\ngroup = \"hq\"\n" + lines;
}

std::string refusal(const std::string& text, const std::string& file = "p.toml") {
  const auto loaded = parse_published(text, file);
  return loaded ? "accepted" : to_string(loaded.error());
}

const std::string certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

}  // namespace

CAF_TEST(an empty file publishes nothing) {
  const auto nothing = parse_published("# nothing yet\n", "p.toml");
  CAF_REQUIRE(nothing.has_value());
  CAF_CHECK(nothing->groups.empty());
  CAF_CHECK(nothing->applications.empty());
}

CAF_TEST(an application may stand before its group) {
  CAF_CHECK_EQUAL(refusal(application_with("") + hq), "accepted");
}

CAF_TEST(of several bad applications the one that stands first is refused) {
  const auto text =
      hq + application_with("maintenance = 1\n", "zoo") + application_with("maintenance = 2\n");
  CAF_CHECK_EQUAL(refusal(text),
                  "p.toml:8: maintenance: expected true or false, found the number 1");
}

CAF_TEST(a key that groups do not have is refused at its line) {
  CAF_CHECK_EQUAL(refusal(hq + "nam = \"x\"\n"),
                  R"(p.toml:3: unknown key "nam"; did you mean "name"?)");
}

CAF_TEST(a protocol that is not known is refused with those that are) {
  CAF_CHECK_EQUAL(refusal(hq + application_with("origin_protocol = \"h3\"\n")),
                  R"(p.toml:8: origin_protocol: expected "http1" or "h2" or "h2c", found "h3")");
  const auto loaded =
      parse_published(hq + application_with("origin_protocol = \"h2\"\n"), "p.toml");
  CAF_REQUIRE(loaded.has_value());
  CAF_CHECK(loaded->applications[0].origin_protocol == origin_protocol_kind::h2);
}

CAF_TEST(a loaded file finds the authorities beside it) {
  const postern::test::temp_directory folder;
  folder.write("ca.pem", certificate);
  const auto path =
      folder.write("published.toml", hq + application_with("backend_ca_file = \"ca.pem\"\n"));
  const auto loaded = load_published(path);
  CAF_REQUIRE(loaded.has_value());
  CAF_CHECK_EQUAL(loaded->applications[0].backend_authorities, certificate);
}

CAF_TEST(authorities come from a file or stand in the text and not both) {
  const postern::test::temp_directory folder;
  folder.write("ca.pem", certificate);
  const std::string text = "backend_authorities = \"\"\"\n" + certificate + "\"\"\"\n";
  CAF_CHECK_EQUAL(refusal(hq + application_with(text)), "accepted");
  CAF_CHECK_EQUAL(
      refusal(hq + application_with("backend_ca_file = \"ca.pem\"\n" + text), folder / "p.toml"),
      folder / "p.toml" +
          ":8: backend_ca_file: expected one of backend_ca_file and backend_authorities, found "
          "both");
}

CAF_TEST(a file that holds no authorities is refused at its key) {
  const postern::test::temp_directory folder;
  folder.write("empty.pem", "");
  const auto refused =
      refusal(hq + application_with("backend_ca_file = \"empty.pem\"\n"), folder / "p.toml");
  CAF_CHECK(refused.starts_with(folder / "p.toml" + ":8: backend_ca_file: expected a file of"));
}

CAF_TEST(a folder in place of a file of authorities is refused at its key) {
  const postern::test::temp_directory folder;
  const auto refused =
      refusal(hq + application_with("backend_ca_file = \".\"\n"), folder / "p.toml");
  CAF_CHECK(refused.starts_with(folder / "p.toml" +
                                ":8: backend_ca_file: expected a file, found a folder"));
}

CAF_TEST(a private key in place of authorities is refused and not repeated) {
  const postern::test::temp_directory folder;
  folder.write("key.pem", certificate + "-----BEGIN PRIVATE KEY-----\nsecret\n");
  const auto refused =
      refusal(hq + application_with("backend_ca_file = \"key.pem\"\n"), folder / "p.toml");
  CAF_CHECK(refused.starts_with(folder / "p.toml" + ":8: backend_ca_file: "));
  CAF_CHECK(refused.find("private key") != std::string::npos);
  CAF_CHECK(refused.find("secret") == std::string::npos);
}
