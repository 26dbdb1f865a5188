#include "control/options.hpp"

#include "control/help.hpp"

#include <CLI/CLI.hpp>

#include <map>
#include <sstream>

namespace postern::control {

namespace {

const std::map<std::string, output_format> table_json_toml{
    {"table", output_format::table}, {"json", output_format::json}, {"toml", output_format::toml}};
const std::map<std::string, output_format> table_json{{"table", output_format::table},
                                                      {"json", output_format::json}};

/// What CLI11 fills in. Which command it was is known only after parsing.
struct draft {
  options common;
  apply_command apply;
  get_command get;
  delete_command erase;
  revoke_command revoke;
  move_command move;
  drain_command drain;
  resume_command resume;
  create_token_command create_token;
};

void add_format(CLI::App& sub, output_format& out,
                const std::map<std::string, output_format>& names) {
  sub.add_option("-o,--output", out, "How to print")
      ->transform(CLI::CheckedTransformer(names).description(""))
      ->type_name(names.size() == 3 ? "table|json|toml" : "table|json");
}

void add_common(CLI::App& app, options& out) {
  app.add_option("--admin", out.admin, "URL of the admin host")
      ->type_name("URL")
      ->envname("POSTERN_ADMIN");
  app.add_option("--ca", out.ca_file,
                 "Trust the authorities in this PEM file in addition to the system's")
      ->type_name("FILE")
      ->envname("POSTERN_CA");
  app.add_option("--token-file", out.token_file,
                 "Where the access token is; - reads it from standard input")
      ->type_name("FILE");
  app.add_option("--timeout", out.timeout, "Seconds to wait for each answer")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3'600).description(""))
      ->capture_default_str();
}

/// `VERB connector ID`; returns the last word's subcommand, for its options and callback.
CLI::App* add_of_connector(CLI::App& verb, const std::string& what, const std::string& footer,
                           std::string& id) {
  auto* connector = verb.add_subcommand("connector", what);
  connector->footer(footer);
  connector->add_option("ID", id, "The id of the connector")->required()->type_name("");
  return connector;
}

void add_login(CLI::App& app, draft& d) {
  auto* sub = app.add_subcommand("login", "Sign in and keep the access token");
  sub->footer(help::login);
  sub->callback([&d] { d.common.command = login_command{}; });
}

void add_apply(CLI::App& app, draft& d) {
  auto* sub =
      app.add_subcommand("apply", "Bring the service to what a file says, and print what changes");
  sub->footer(help::apply);
  sub->add_option("-f,--file", d.apply.file, "published.toml; - reads standard input")
      ->required()
      ->type_name("FILE");
  sub->add_flag("--dry-run", d.apply.dry_run, "Only print what would change");
  sub->add_flag("--prune", d.apply.prune, "Erase whatever the file does not name");
  sub->callback([&d] { d.common.command = d.apply; });
}

void add_get(CLI::App& app, draft& d) {
  auto* sub = app.add_subcommand("get", "Show what the service has");
  sub->footer(help::get);
  sub->add_option("KIND", d.get.kind, "applications, groups, connectors, nodes, sessions or audit")
      ->required()
      ->type_name("");
  sub->add_option("NAME", d.get.name, "Only this one")->type_name("");
  add_format(*sub, d.get.format, table_json_toml);
  sub->add_option("--limit", d.get.limit, "How many audit entries")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000).description(""))
      ->capture_default_str();
  sub->add_option("--before", d.get.before, "Only audit entries older than this sequence number")
      ->type_name("N");
  sub->callback([&d] { d.common.command = d.get; });
}

void add_delete(CLI::App& app, draft& d) {
  auto* sub = app.add_subcommand("delete", "Erase an application or a group");
  sub->footer(help::erase);
  sub->add_option("KIND", d.erase.kind, "application or group")
      ->required()
      ->type_name("")
      ->check(CLI::IsMember({"application", "group"}).description(""));
  sub->add_option("NAME", d.erase.name, "Its name")->required()->type_name("");
  sub->callback([&d] { d.common.command = d.erase; });
}

void add_revoke(CLI::App& app, draft& d) {
  auto* sub = app.add_subcommand("revoke", "Cut off a connector, a user or a session at once");
  sub->footer(help::revoke);
  sub->add_option("KIND", d.revoke.kind, "connector, user or session")
      ->required()
      ->type_name("")
      ->check(CLI::IsMember({"connector", "user", "session"}).description(""));
  sub->add_option("NAME", d.revoke.name, "The id of a connector or session, the name of a user")
      ->required()
      ->type_name("");
  sub->callback([&d] { d.common.command = d.revoke; });
}

void add_move(CLI::App& app, draft& d) {
  auto* sub = app.add_subcommand("move", "Put a connector into another group");
  sub->require_subcommand(1);
  auto* connector =
      add_of_connector(*sub, "Put a connector into another group", help::move, d.move.connector);
  connector->add_option("--group", d.move.group, "The new group")->required()->type_name("NAME");
  connector->callback([&d] { d.common.command = d.move; });
}

void add_drain(CLI::App& app, draft& d) {
  auto* sub = app.add_subcommand("drain", "Take a node or connector out of service without harm");
  sub->require_subcommand(1);
  auto* node = sub->add_subcommand("node", "Take a node out of service without harm, and end it");
  node->footer(help::drain_node);
  node->add_option("ADDRESS", d.drain.name, "Where the other nodes reach it, or self")
      ->required()
      ->type_name("");
  node->callback([&d] {
    d.drain.kind = "node";
    d.common.command = d.drain;
  });
  add_of_connector(*sub, "Take a connector out of service without harm, until resumed",
                   help::drain_connector, d.drain.name)
      ->callback([&d] {
        d.drain.kind = "connector";
        d.common.command = d.drain;
      });
}

void add_resume(CLI::App& app, draft& d) {
  auto* sub = app.add_subcommand("resume", "Put a drained connector into service again");
  sub->require_subcommand(1);
  add_of_connector(*sub, "Put a drained connector into service again", help::resume,
                   d.resume.connector)
      ->callback([&d] { d.common.command = d.resume; });
}

void add_create(CLI::App& app, draft& d) {
  auto* sub = app.add_subcommand("create", "Make a one-time enrolment token");
  sub->require_subcommand(1);
  auto* token = sub->add_subcommand("token", "Make a token that enrols connectors into a group");
  token->footer(help::create_token);
  token->add_option("--group", d.create_token.group, "The group of the connectors")
      ->required()
      ->type_name("NAME");
  token->add_option("--uses", d.create_token.uses, "How many connectors may enrol with it")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000).description(""))
      ->capture_default_str();
  token
      ->add_option("--lifetime", d.create_token.lifetime,
                   "How long it holds, for example 30m, 1h or 7d")
      ->type_name("DURATION")
      ->capture_default_str();
  add_format(*token, d.create_token.format, table_json);
  token->callback([&d] { d.common.command = d.create_token; });
}

}  // namespace

outcome<options> parse_options(int argc, const char* const* argv) {
  CLI::App app{std::string{help::summary}, "posternctl"};
  draft d;
  app.footer(help::footer);
  app.set_version_flag("--version", std::string{"posternctl "} + POSTERN_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  add_common(app, d.common);
  add_login(app, d);
  add_apply(app, d);
  add_get(app, d);
  add_delete(app, d);
  add_revoke(app, d);
  add_move(app, d);
  add_drain(app, d);
  add_resume(app, d);
  add_create(app, d);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::ostringstream out;
    std::ostringstream err;
    int code = app.exit(e, out, err);
    if (code == 0) return failure{exit_status::success, out.str()};
    return bad_input(std::string{e.what()} + "; see posternctl --help");
  }
  if (d.common.admin.empty())
    return bad_input("--admin URL or POSTERN_ADMIN is required; see posternctl --help");
  const auto* apply = std::get_if<apply_command>(&d.common.command);
  if (apply && apply->file == "-" && d.common.token_file == "-") {
    return bad_input("standard input cannot be both --file and --token-file");
  }
  return std::move(d.common);
}

}  // namespace postern::control
