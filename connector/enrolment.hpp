#pragma once
// `postern-connector enroll`: makes this machine a connector of a group, once.

#include "runtime/error.hpp"

#include <string>

namespace postern::connector {

struct enrolment_options {
  std::string service;  ///< as typed
  std::string group;
  std::string state_directory;
  std::string token_file;        ///< of an enrolment token; "-": standard input; empty: sign in
  std::string authorities_file;  ///< trusted for the service besides the system's; empty: none
  std::string name;              ///< how people see the connector; empty: the machine's name
  std::string proxy;             ///< URL of an HTTP proxy, "none", or empty: as connector.toml or
                                 ///< the environment says
  std::string proxy_credentials_file;  ///< "USER:PASSWORD" for it; empty: none
  bool force = false;                  ///< replaces an identity that is there
};

/// How an enrolment ended.
struct enrolment_outcome {
  runtime::result<void> done;
  bool begun = false;  ///< the service was asked; if not, the options or a file are wrong
};

/// Signs in (device grant, or the token), has a certificate signed, writes the state directory, and
/// pulls the first configuration. What is written last is the identity: before it, nothing counts.
/// Talks to the person on standard output. Errors before the service is asked: `conflict`
/// "already_enrolled"; `invalid_input` "service_malformed", "name_malformed", "token_malformed" or
/// "configuration_malformed" (a connector.toml that cannot be read is not written over); those of
/// files, and of state_directory::probe(). After that: those of est_client and device_grant.
enrolment_outcome enroll(const enrolment_options& options);

/// One line for the person: what failed, the reason, the cause.
std::string explain(const runtime::error& why);

/// Reads an enrolment token: one word of printable ASCII. Errors: `invalid_input`,
/// "token_malformed"; those of reading the file.
runtime::result<std::string> read_token(const std::string& file);

}  // namespace postern::connector
