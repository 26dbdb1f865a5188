// postern-connector: enrols a machine as a connector, and serves as one. Nothing listens.

#include "connector/enrolment.hpp"
#include "connector/run.hpp"
#include "runtime/copy_speed.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <sys/prctl.h>

namespace {

// As for every wrong word on a command line.
constexpr int usage_error = 2;

int run_enrolment(const postern::connector::enrolment_options& options) {
  const auto done = postern::connector::enroll(options);
  if (done) return 0;
  std::fprintf(stderr, "postern-connector: enrolment failed: %s\n",
               postern::connector::explain(done.error()).c_str());
  return 1;
}

void add_enroll(CLI::App& app, postern::connector::enrolment_options& o) {
  auto* enroll = app.add_subcommand("enroll", "Make this machine a connector of a group, once");
  enroll
      ->add_option("--service", o.service,
                   "https URL of the service, for example https://connect.example.com")
      ->required();
  enroll->add_option("--group", o.group, "Connector group")->required();
  enroll
      ->add_option("--state", o.state_directory,
                   "Directory for key, certificate and connector.toml")
      ->required();
  enroll->add_option("--token-file", o.token_file,
                     "File with a one-time enrolment token, or - for standard input; without it an "
                     "administrator signs in");
  enroll->add_option("--ca", o.authorities_file,
                     "Authorities for the service's certificate, besides the system's");
  enroll->add_option("--name", o.name,
                     "How lists show this connector; default: the machine's name");
  enroll->add_option("--proxy", o.proxy,
                     "HTTP proxy towards the service, http://HOST:PORT, or none; default: "
                     "https_proxy and no_proxy of the environment. Kept in connector.toml");
  enroll->add_option("--proxy-credentials-file", o.proxy_credentials_file,
                     "File with one line USER:PASSWORD for the proxy");
  enroll->add_flag("--force", o.force, "Replace an identity that is there");
}

void add_run(CLI::App& app, postern::connector::run_options& o) {
  auto* run = app.add_subcommand("run", "Serve the applications of the group");
  run->add_option("--state", o.state_directory, "Directory that enroll has written")->required();
  run->add_option("--log-format", o.log_format, "text or json; default: as connector.toml says")
      ->check(CLI::IsMember({"text", "json"}));
  run->add_option("--log-level", o.log_level, "trace, debug, info, warn or error; the same default")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  run->add_option("--shards", o.shards, "Threads; default: one per core");
}

}  // namespace

int main(int argc, char** argv) {
  postern::runtime::use_fast_copies(argv);
  // A closed connection is an error value here, and no dump may hold the key.
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_DUMPABLE, 0);

  CLI::App app{"Postern connector: publishes internal applications by dialling out"};
  app.set_version_flag("--version", POSTERN_VERSION);
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
