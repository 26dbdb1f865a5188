#define CAF_SUITE users

#include "config/users.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;

namespace {

const std::string hash = "password_hash = \"$scrypt$ln=15,r=8,p=1$c2FsdA$aGFzaA\"\n";

std::string refusal(const std::string& text) {
  auto users = parse_users(text, "u.toml");
  return users ? "accepted" : to_string(users.error());
}

}  // namespace

CAF_TEST(users are read with groups and defaults) {
  auto users = parse_users(
      "[[user]]\nname = \"alice\"\ngroups = [\"staff\"]\nemail = \"a@b\"\ndisplay_name = \"A\"\n" +
          hash + "[[user]]\nname = \"bob\"\ndisabled = true\n" + hash,
      "u.toml");
  CAF_REQUIRE(users.has_value());
  CAF_REQUIRE_EQUAL(users->size(), 2u);
  CAF_CHECK_EQUAL(users->at(0).groups.at(0), "staff");
  CAF_CHECK_EQUAL(users->at(0).email, "a@b");
  CAF_CHECK_EQUAL(users->at(0).display_name, "A");
  CAF_CHECK(!users->at(0).disabled);
  CAF_CHECK(users->at(1).disabled);
}

CAF_TEST(a password in place of a hash is refused and not repeated) {
  auto text = refusal("[[user]]\nname = \"alice\"\npassword_hash = \"hunter2\"\n");
  CAF_CHECK_EQUAL(text,
                  "u.toml:3: password_hash: expected a hash that `postern hash-password` printed, "
                  "found something else");
  CAF_CHECK_NOT_EQUAL(refusal("[[user]]\nname = \"alice\"\n"), "accepted");
  CAF_CHECK_NOT_EQUAL(
      refusal("[[user]]\nname = \"a\"\npassword_hash = \"$scrypt$ln=15,r=8,p=1$salt$\"\n"),
      "accepted");
}

CAF_TEST(names that differ in case only are refused) {
  CAF_CHECK_EQUAL(
      refusal("[[user]]\nname = \"alice\"\n" + hash + "[[user]]\nname = \"Alice\"\n" + hash),
      R"(u.toml:5: name: expected a unique name, found a second user "Alice")");
}

CAF_TEST(malformed fields are refused at their line) {
  CAF_CHECK_EQUAL(
      refusal("[[user]]\nname = \"a b\"\n" + hash),
      R"(u.toml:2: name: expected 1 to 64 characters of a-z, A-Z, 0-9, . _ @ and -, found "a b")");
  CAF_CHECK_EQUAL(
      refusal("[[user]]\nname = \"a\"\n" + hash + "email = \"nowhere\"\n"),
      R"(u.toml:4: email: expected an address such as name@example.com, found "nowhere")");
  CAF_CHECK_EQUAL(refusal("[[user]]\nname = \"a\"\n" + hash + "groups = [\"\"]\n"),
                  "u.toml:4: groups: expected names of groups, found nothing");
  CAF_CHECK_EQUAL(refusal("[[user]]\nname = \"a\"\nmail = \"a@b\"\n" + hash),
                  R"(u.toml:3: unknown key "mail"; did you mean "email"?)");
}

CAF_TEST(an empty file has no users) {
  CAF_CHECK_EQUAL(parse_users("", "u.toml")->size(), 0u);
}
