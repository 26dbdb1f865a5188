// postern: the service node. Options only; the node itself is edge/node.cpp.

#include "config/node.hpp"
#include "config/place.hpp"
#include "edge/named_certificates.hpp"
#include "edge/node.hpp"
#include "runtime/copy_speed.hpp"
#include "runtime/log.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <iostream>
#include <sys/prctl.h>

namespace {

constexpr const char* description =
    R"(postern - publishes internal web applications to signed-in users without an inbound port

The node is where users arrive and connectors dial in. `serve` runs it in the foreground until SIGTERM or SIGINT;
exchanges in hand finish first. A second signal ends it at once.

Files: the configuration (see config/node.toml in the sources for all keys with their defaults), and below its
data_directory: postern.db (what is published, keys, audit), master.key (keep it safe, back it up with the database),
server-ca.pem (trust it in browsers if no certificates are configured), ready.json (while the node serves).

Exit status: 0 after a planned stop, 1 if the node cannot run, 2 for a mistake on the command line or in the configuration.)";

constexpr const char* footer = R"(FIRST STEPS
  postern hash-password            makes a hash for users.toml
  postern serve --config node.toml

  Then `posternctl login` and `posternctl apply` publish applications, and `postern-connector enroll` brings a connector.

SIGNALS
  SIGTERM, SIGINT  stop as planned: connectors and users are told, exchanges in hand finish, for 60 s at most
)";

using command = std::function<int(const postern::config::node&)>;

int with_configuration(const std::string& file, const command& run) {
  auto options = postern::config::load_node(file);
  if (!options) {
    std::cerr << postern::config::to_string(options.error()) << "\n";
    return 2;
  }
  if (auto started = postern::runtime::start_logging(options->log.level, options->log.format,
                                                     options->log.file);
      !started) {
    std::cerr << postern::config::place_of(file, "log.file")
              << ": expected a file to write to, found: " << started.error().detail << "\n";
    return 2;
  }
  return run(*options);
}

/// A pair that fits is needed to serve anybody: said like everything else that is wrong in the
/// file.
int with_certificates(const std::string& file, const command& run) {
  const auto options = postern::config::load_node(file);
  const auto wrong =
      options ? postern::edge::find_unusable_certificate(*options, file) : std::nullopt;
  if (!wrong) return with_configuration(file, run);
  std::cerr << *wrong << "\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  postern::runtime::use_fast_copies(argv);
  // Keys and cookies are in this process's memory: no core dumps, no debugger of another user.
  ::prctl(PR_SET_DUMPABLE, 0);
  CLI::App app{description, "postern"};
  app.footer(footer);
  app.set_version_flag("--version", std::string{"postern "} + POSTERN_VERSION);
  app.require_subcommand(1);
  std::string file;
  auto* serve = app.add_subcommand("serve", "Run the node");
  serve->add_option("--config", file, "The node's configuration (TOML)")
      ->type_name("FILE")
      ->required();
  bool enable_chaos = false;
  serve->add_flag("--enable-chaos", enable_chaos,
                  "For trials only: administrators may make actors of this node crash (POST "
                  "/api/v1/chaos/crash)");
  auto* rotate = app.add_subcommand(
      "rotate-keys",
      "Add a cookie key: it seals from the next start on (on PostgreSQL: in a minute), older ones "
      "keep opening");
  rotate->add_option("--config", file, "The node's configuration (TOML)")
      ->type_name("FILE")
      ->required();
  auto* hash = app.add_subcommand(
      "hash-password",
      "Read a password from standard input (a terminal asks twice and does not show it), print its "
      "hash for users.toml");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (*hash) return postern::edge::run_hash_password();
  if (*rotate) return with_configuration(file, postern::edge::run_rotate_keys);
  return with_certificates(file, [enable_chaos](const postern::config::node& options) {
    return postern::edge::run_node(options, enable_chaos);
  });
}
