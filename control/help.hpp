#pragma once
// The parts of posternctl's help that CLI11 does not make, in the order of a manual page.

#include <string>

namespace postern::control::help {

inline const std::string summary =
    "posternctl - administers a Postern service over its admin HTTP API";

inline const std::string footer = R"(FIRST STEPS
  posternctl --admin https://admin.example.com login
  posternctl --admin https://admin.example.com apply -f published.toml --dry-run

  With POSTERN_ADMIN set, --admin can be left out. Options of this page may stand before or after the command;
  `posternctl COMMAND --help` explains a command.

TOKENS
  `login` signs an administrator in at the service's STS and keeps the access token in a file that only its owner
  may read. No token is ever taken from the command line, which every user of a machine can see.

FILES
  $XDG_CONFIG_HOME/postern/token, else ~/.config/postern/token: the access token, mode 0600.

ENVIRONMENT
  POSTERN_ADMIN  the default of --admin
  POSTERN_CA     the default of --ca

EXIT STATUS
  0  done
  1  the service refused, or could not be reached
  2  the command line or a file is wrong; nothing was sent

Names under "localhost" are this machine without asking DNS. Certificates are always verified.
)";

inline const std::string login =
    R"(Prints a URL and a code. Open the URL in any browser on any machine, sign in as a member of the administrators'
group, and compare the code. The token is written to --token-file.

EXAMPLE
  posternctl --admin https://admin.localhost:8443 --ca server-ca.pem login
)";

inline const std::string apply =
    R"(The file is checked here first: a mistake is named with its line and nothing is sent. The service applies all of
it or nothing, and applying it again changes nothing.

  + created    ~ changed, with old -> new    - erased

EXAMPLES
  posternctl apply -f published.toml --dry-run
  posternctl apply -f published.toml --prune
)";

inline const std::string get =
    R"(json is what the admin API answered; toml is what `apply -f` reads, for applications and groups. A NAME is the
name of an application or group, the id of a connector, or the id or user of sessions. Nodes are shown as the one
that answers sees them.

Two live processes that use one connector's identity are shown as an ALARM: somebody has copied its key. Revoke
that connector and enrol it anew.

EXAMPLES
  posternctl get connectors
  posternctl get application wiki -o toml > wiki.toml
  posternctl get audit --limit 20
)";

inline const std::string erase =
    R"(Requests in hand are finished. A group that applications use cannot be erased.

EXAMPLE
  posternctl delete application wiki
)";

inline const std::string revoke =
    R"(connector  its tunnels are closed, and its certificate is never accepted again
user       every session of the user ends, and must be signed in anew
session    this session ends

EXAMPLES
  posternctl revoke connector 5f0c...
  posternctl revoke user alice
)";

inline const std::string move = R"(EXAMPLE
  posternctl move connector 5f0c... --group branch
)";

inline const std::string drain_node =
    R"(The node takes no more connections, sends its users and connectors to the other nodes, finishes what runs for up to
a minute, and ends its process with status 0, as after SIGTERM. ADDRESS is that of `posternctl get nodes`; "self" is
the node that answers. The command returns as soon as the order is given. To have the node back, start it again.

EXAMPLES
  posternctl drain node 192.0.2.1:7443
  posternctl drain node self
)";

inline const std::string drain_connector =
    R"(The connector gets no more requests, ends its tunnels to every node when what runs has finished, however long that
takes, and keeps its process running without any: `posternctl get connectors` shows it as draining, then as drained.
WebSockets and streams of events are told to reconnect. A restart of the connector changes nothing, `posternctl resume`
does. The command returns as soon as the order is durable; the connector has it within two seconds.

EXAMPLE
  posternctl drain connector 5f0c...
)";

inline const std::string resume =
    R"(The connector opens its tunnels again within two seconds.

EXAMPLE
  posternctl resume connector 5f0c...
)";

inline const std::string create_token =
    R"(Prints the token on standard output and nothing else there, so that it can be piped. It is shown this once; the
service keeps a hash of it.

EXAMPLE
  posternctl create token --group hq > token && chmod 600 token
  postern-connector enroll --service https://connect.example.com --group hq --state DIR --token-file token
)";

}  // namespace postern::control::help
