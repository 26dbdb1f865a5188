// postern-connector: enrols a machine as a connector, and serves as one. Nothing listens.

#include "connector/enrolment.hpp"
#include "connector/run.hpp"
#include "runtime/copy_speed.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <sys/prctl.h>

namespace {

// As for every wrong word on a command line.
constexpr int usage_error = 2;

constexpr const char* summary =
    "postern-connector - publishes internal web applications by dialling out; nothing listens";

constexpr const char* footer =
    R"(FIRST STEPS
  postern-connector enroll --service https://connect.example.com --group headquarters \
                           --state /var/lib/postern-connector
  postern-connector run --state /var/lib/postern-connector

  `postern-connector COMMAND --help` explains a command. What the connector serves is set at the service; two connectors
  of a group stand in for each other.

FILES (below the state directory, which is for its owner only)
  identity.pem          key and certificate, mode 0600; renewed by itself, replaced as a whole
  connector.toml        what this machine needs besides: proxy, log, addresses and authorities of origins; written by
                        `enroll`, read by `run` at its start (see config/connector.toml in the sources for all keys)
  authority.pem         the authority that signed the certificate
  service-ca.pem        what --ca named
  client-certificates/  certificates and keys for origins, put there by you (backend_client_certificate)
  ready.json            while the connector serves

ENVIRONMENT
  https_proxy, all_proxy, no_proxy  the way to the service, unless connector.toml has a proxy

EXIT STATUS
  0  enrolled; or stopped as planned: SIGTERM or SIGINT lets exchanges in hand finish, for 20 s at most, a second signal
     ends at once (then 1)
  1  the service refused, or could not be reached
  2  the command line or a file is wrong; nothing was sent
)";

constexpr const char* enroll_footer =
    R"(Without --token-file it prints a URL and a code: an administrator opens the URL in any browser on any machine, signs in,
compares the code and allows it. With --token-file nobody has to be there: `posternctl create token` makes such a token.
No token is ever taken from the command line, which every user of a machine can see.

EXAMPLES
  postern-connector enroll --service https://connect.example.com --group headquarters --state DIR
  posternctl create token --group headquarters | ssh host postern-connector enroll \
      --service https://connect.example.com --group headquarters --state DIR --token-file -
)";

constexpr const char* run_footer =
    R"(Serves in the foreground until SIGTERM or SIGINT. It pulls its configuration by itself, waits for a service that is not
there, and comes back after any interruption.

EXAMPLE
  postern-connector run --state /var/lib/postern-connector --log-format json
)";

int run_enrolment(const postern::connector::enrolment_options& options) {
  const auto outcome = postern::connector::enroll(options);
  if (outcome.done) return 0;
  std::fprintf(stderr, "postern-connector: enrolment failed: %s\n",
               postern::connector::explain(outcome.done.error()).c_str());
  return outcome.begun ? 1 : usage_error;
}

void add_enroll(CLI::App& app, postern::connector::enrolment_options& o) {
  auto* enroll = app.add_subcommand("enroll", "Make this machine a connector of a group, once");
  enroll->footer(enroll_footer);
  enroll
      ->add_option("--service", o.service,
                   "https URL of the service, for example https://connect.example.com")
      ->type_name("URL")
      ->required();
  enroll->add_option("--group", o.group, "Connector group")->type_name("NAME")->required();
  enroll
      ->add_option("--state", o.state_directory,
                   "Directory for key, certificate and connector.toml")
      ->type_name("DIR")
      ->required();
  enroll
      ->add_option("--token-file", o.token_file,
                   "File with a one-time enrolment token, or - for standard input; without it an "
                   "administrator signs in")
      ->type_name("FILE");
  enroll
      ->add_option("--ca", o.authorities_file,
                   "Authorities for the service's certificate, besides the system's")
      ->type_name("FILE");
  enroll->add_option("--name", o.name, "How lists show this connector; default: the machine's name")
      ->type_name("NAME");
  enroll
      ->add_option("--proxy", o.proxy,
                   "HTTP proxy towards the service, http://HOST:PORT, or none; default: "
                   "https_proxy and no_proxy of the environment. Kept in connector.toml")
      ->type_name("URL");
  enroll
      ->add_option("--proxy-credentials-file", o.proxy_credentials_file,
                   "File with one line USER:PASSWORD for the proxy")
      ->type_name("FILE");
  enroll->add_flag("--force", o.force, "Replace an identity that is there");
}

void add_run(CLI::App& app, postern::connector::run_options& o) {
  auto* run = app.add_subcommand("run", "Serve the applications of the group");
  run->footer(run_footer);
  run->add_option("--state", o.state_directory, "Directory that enroll has written")
      ->type_name("DIR")
      ->required();
  run->add_option("--log-format", o.log_format, "Default: as connector.toml says")
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}).description(""));
  run->add_option("--log-level", o.log_level, "The same default")
      ->type_name("trace|debug|info|warn|error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}).description(""));
  run->add_option("--shards", o.shards, "Threads; default: one per core")->type_name("N");
}

}  // namespace

int main(int argc, char** argv) {
  postern::runtime::use_fast_copies(argv);
  // A closed connection is an error value here, and no dump may hold the key.
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_DUMPABLE, 0);

  CLI::App app{summary, "postern-connector"};
  app.footer(footer);
  app.set_version_flag("--version", std::string{"postern-connector "} + POSTERN_VERSION);
  app.require_subcommand(1);
  postern::connector::enrolment_options enrolment;
  postern::connector::run_options running;
  add_enroll(app, enrolment);
  add_run(app, running);
  try {
    app.parse(argc, argv);
    return app.got_subcommand("enroll") ? run_enrolment(enrolment)
                                        : postern::connector::run(running);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : usage_error;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "postern-connector: %s\n", e.what());
    return 1;
  }
}
