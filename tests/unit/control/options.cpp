#define CAF_SUITE options

#include "control/options.hpp"

#include <caf/test/dsl.hpp>

#include <stdlib.h>

using namespace postern::control;

namespace {

outcome<options> parse(std::vector<const char*> arguments) {
  unsetenv("POSTERN_ADMIN");
  unsetenv("POSTERN_CA");
  arguments.insert(arguments.begin(), "posternctl");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

const char* const admin = "--admin=https://admin.example.com";

}  // namespace

CAF_TEST(common options may stand before and after the command) {
  auto before = parse({admin, "--ca", "ca.pem", "apply", "-f", "p.toml", "--prune"});
  auto after = parse({"apply", "-f", "p.toml", "--prune", admin, "--ca", "ca.pem"});
  CAF_REQUIRE(before.has_value() && after.has_value());
  for (const auto& o : {*before, *after}) {
    CAF_CHECK_EQUAL(o.admin, "https://admin.example.com");
    CAF_CHECK_EQUAL(o.ca_file, "ca.pem");
    const auto& apply = std::get<apply_command>(o.command);
    CAF_CHECK_EQUAL(apply.file, "p.toml");
    CAF_CHECK(apply.prune);
    CAF_CHECK(!apply.dry_run);
  }
}

CAF_TEST(every command is understood) {
  auto get = parse({admin, "get", "application", "wiki", "-o", "toml"});
  CAF_REQUIRE(get.has_value());
  CAF_CHECK_EQUAL(std::get<get_command>(get->command).name, "wiki");
  CAF_CHECK(std::get<get_command>(get->command).format == output_format::toml);
  auto erase = parse({admin, "delete", "group", "hq"});
  CAF_REQUIRE(erase.has_value());
  CAF_CHECK_EQUAL(std::get<delete_command>(erase->command).kind, "group");
  auto revoke = parse({admin, "revoke", "connector", "5f"});
  CAF_REQUIRE(revoke.has_value());
  CAF_CHECK_EQUAL(std::get<revoke_command>(revoke->command).name, "5f");
  auto drain = parse({admin, "drain", "node", "self"});
  CAF_REQUIRE(drain.has_value());
  CAF_CHECK_EQUAL(std::get<drain_command>(drain->command).kind, "node");
  CAF_CHECK_EQUAL(std::get<drain_command>(drain->command).name, "self");
  drain = parse({admin, "drain", "connector", "5f"});
  CAF_REQUIRE(drain.has_value());
  CAF_CHECK_EQUAL(std::get<drain_command>(drain->command).kind, "connector");
  CAF_CHECK_EQUAL(std::get<drain_command>(drain->command).name, "5f");
  const auto resume = parse({admin, "resume", "connector", "5f"});
  CAF_REQUIRE(resume.has_value());
  CAF_CHECK_EQUAL(std::get<resume_command>(resume->command).connector, "5f");
  auto move = parse({admin, "move", "connector", "5f", "--group", "hq"});
  CAF_REQUIRE(move.has_value());
  CAF_CHECK_EQUAL(std::get<move_command>(move->command).group, "hq");
  auto token =
      parse({admin, "create", "token", "--group", "hq", "--uses", "3", "--lifetime", "30m"});
  CAF_REQUIRE(token.has_value());
  CAF_CHECK_EQUAL(std::get<create_token_command>(token->command).uses, 3u);
  CAF_CHECK_EQUAL(std::get<create_token_command>(token->command).lifetime, "30m");
  auto login = parse({admin, "login"});
  CAF_REQUIRE(login.has_value());
  CAF_CHECK(std::holds_alternative<login_command>(login->command));
}

CAF_TEST(the admin host may come from the environment) {
  unsetenv("POSTERN_CA");
  setenv("POSTERN_ADMIN", "https://other.example.com", 1);
  const char* arguments[] = {"posternctl", "login"};
  auto o = parse_options(2, arguments);
  unsetenv("POSTERN_ADMIN");
  CAF_REQUIRE(o.has_value());
  CAF_CHECK_EQUAL(o->admin, "https://other.example.com");
}

CAF_TEST(a wrong command line is bad input) {
  for (const auto& arguments : {std::vector<const char*>{},
                                {admin},
                                {"login"},
                                {admin, "fly"},
                                {admin, "apply"},
                                {admin, "delete", "connector", "x"},
                                {admin, "get"},
                                {admin, "get", "groups", "-o", "xml"},
                                {admin, "create", "token"},
                                {admin, "create", "token", "--group", "g", "--uses", "0"},
                                {admin, "revoke", "connector"},
                                {admin, "drain", "node"},
                                {admin, "drain", "connector"},
                                {admin, "--token-file", "-", "apply", "-f", "-"},
                                {admin, "--token", "secret", "login"}}) {
    auto o = parse(arguments);
    CAF_REQUIRE(!o);
    CAF_CHECK(o.error().status == exit_status::bad_input);
  }
}

CAF_TEST(help is no failure and explains the exit status) {
  auto help = parse({"--help"});
  CAF_REQUIRE(!help);
  CAF_CHECK(help.error().status == exit_status::success);
  CAF_CHECK_NOT_EQUAL(help.error().message.find("EXIT STATUS"), std::string::npos);
  auto version = parse({"--version"});
  CAF_REQUIRE(!version);
  CAF_CHECK(version.error().message.starts_with("posternctl "));
  auto apply_help = parse({"apply", "--help"});
  CAF_REQUIRE(!apply_help);
  CAF_CHECK_NOT_EQUAL(apply_help.error().message.find("--dry-run"), std::string::npos);
}
