#pragma once
// The data that messages carry. Plain values; interfaces that use them stand in
// actors/contracts.hpp.

#include "config/published.hpp"
#include "runtime/error.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postern::actors {

using runtime::timestamp;
using std::chrono::milliseconds;

/// An immutable snapshot of everything published.
using published_ptr = std::shared_ptr<const config::published>;
/// One application of a snapshot; keeps the snapshot alive.
using application_ptr = std::shared_ptr<const config::application>;

// -- identity
// -------------------------------------------------------------------------------------------------------

/// Who a verified token speaks of (OpenID Connect Core, section 5.1).
struct identity {
  std::string issuer;
  std::string subject;       ///< "sub"
  std::string name;          ///< "preferred_username", else "sub": what assignments call user:NAME
  std::string display_name;  ///< "name"
  std::string email;
  std::vector<std::string> groups;

  template <class Archive>
  void serialize(Archive& ar) {
    ar(issuer, subject, name, display_name, email, groups);
  }
  bool operator==(const identity&) const = default;
};

/// One user's authenticated session for one application, as the sealed cookie carries it.
struct access_session {
  std::string id;           ///< random, 128 bits as hexadecimal
  std::string application;  ///< the name of the only application that it opens
  identity user;
  int64_t issued_at = 0;         ///< seconds since 1970
  int64_t expires_at = 0;        ///< seconds since 1970; from the token, bounded by the service
  int64_t authenticated_at = 0;  ///< "auth_time" of the token, or issued_at

  template <class Archive>
  void serialize(Archive& ar) {
    ar(id, application, user, issued_at, expires_at, authenticated_at);
  }
  bool operator==(const access_session&) const = default;
};

/// A question to user_session.
struct access_request {
  application_ptr application;
};

enum class access_verdict : uint8_t {
  allow,
  sign_in,  ///< the session is over (expired, revoked, made for another application): authenticate
            ///< again
  deny,     ///< signed in, but not assigned
  maintenance,  ///< the application is closed for everybody
};

struct access_decision {
  access_verdict verdict = access_verdict::deny;
  std::string reason;  ///< stable snake_case cause, for example "session_expired", "not_assigned"
};

/// Which sessions to revoke: by id, or all of a user (issuer + name), whichever is not empty.
struct session_selector {
  std::string id;
  std::string user;
};

struct session_status {
  access_session session;
  timestamp last_used;
};

// -- tokens
// ---------------------------------------------------------------------------------------------------------

/// What a token must fit (OpenID Connect Core 3.1.3.7; RFC 9068 for access tokens).
struct token_expectation {
  std::string token;
  std::string issuer;
  std::string audience;
  std::string nonce;          ///< required for an ID token; empty for an access token
  std::string required_type;  ///< "at+jwt" for access tokens; empty: anything but "at+jwt"
};

struct verified_token {
  identity user;
  int64_t issued_at = 0;         ///< "iat"
  int64_t expires_at = 0;        ///< "exp"
  int64_t authenticated_at = 0;  ///< "auth_time", or issued_at
};

// -- publishing
// -----------------------------------------------------------------------------------------------------

/// What an administrator wants published. Named resources are put as they are; the rest stays.
struct change_request {
  std::vector<config::group> groups;
  std::vector<config::application> applications;
  std::vector<std::string> erase_groups;
  std::vector<std::string> erase_applications;
  bool prune = false;    ///< erase whatever is not named
  bool dry_run = false;  ///< say what would change, change nothing
  std::string by;        ///< the administrator, for the audit log
};

/// One line of a diff.
struct resource_change {
  enum class action : uint8_t { create, update, erase };
  action what = action::create;
  std::string kind;  ///< "group" or "application"
  std::string name;
  /// Field name to (old, new); text as in published.toml.
  std::map<std::string, std::pair<std::string, std::string>> fields;
};

struct change_report {
  std::vector<resource_change> changes;  ///< empty: nothing to do
  uint64_t version = 0;                  ///< of the snapshot that holds them
};

// -- connectors
// -----------------------------------------------------------------------------------------------------

/// Who lets a connector in: an administrator who signed in, or a one-time token.
struct enrolment_request {
  std::string csr_der;
  std::string group;            ///< wanted group; with a token it may be empty
  std::string enrolment_token;  ///< empty: `administrator` has been verified by the caller
  std::string administrator;    ///< name of the signed-in administrator
  std::string address;          ///< of the peer, for the audit log
};

struct renewal_request {
  std::string csr_der;
  std::string certificate_pem;  ///< the certificate the peer has proven by TLS
  std::string address;
};

struct issued_certificate {
  std::string connector;  ///< the connector's id
  std::string group;
  std::string certificate_pem;
  std::string authority_pem;  ///< the issuer's certificate
};

struct enrolment_token_request {
  std::string group;
  uint32_t uses = 1;
  std::chrono::seconds lifetime{3600};
  std::string by;
};

struct enrolment_token {
  std::string token;  ///< shown once, stored as a hash only
  std::string group;
  uint32_t uses = 1;
  timestamp expires;
};

/// A connector as enrolled.
struct connector_record {
  std::string id;    ///< random, 128 bits as hexadecimal; the certificate's common name
  std::string name;  ///< what the connector called itself in its first request
  std::string group;
  int64_t enrolled_at = 0;
  std::string enrolled_by;
  std::vector<std::string> serials;  ///< certificates issued and not expired, newest last
  bool revoked = false;

  template <class Archive>
  void serialize(Archive& ar) {
    ar(id, name, group, enrolled_at, enrolled_by, serials, revoked);
  }
};

/// Identifies a tunnel on a node: `number` is unique for the life of the node process, `shard`
/// tells who owns it.
struct tunnel_id {
  uint32_t shard = 0;
  uint64_t number = 0;

  auto operator<=>(const tunnel_id&) const = default;
};

/// A tunnel whose certificate has been verified by TLS and whose connector has said hello.
struct tunnel_info {
  tunnel_id id;
  std::string connector;
  std::string serial;    ///< of the certificate
  std::string instance;  ///< random, made at each start of a connector process
  std::string version;
  std::string address;    ///< of the peer
  uint32_t capacity = 0;  ///< exchanges at once
};

/// A connector asks for its configuration.
struct configuration_pull {
  std::string connector;
  std::string certificate_pem;
  std::string instance;
  std::string address;
  uint64_t known_version = 0;  ///< 0: none
  milliseconds wait{0};        ///< how long to wait for a version that is not `known_version`
};

/// What a connector runs by (JSON on the wire: actors/connector_configuration.hpp).
struct connector_configuration {
  uint64_t version = 0;
  std::string connector;
  std::string group;
  uint32_t tunnels = 2;
  uint32_t exchanges = 1'000;
  bool renew_certificate = false;  ///< the certificate in use is older than 180 days
  bool drained = false;            ///< an administrator wants no tunnels of this connector for now
  std::vector<config::application>
      applications;  ///< of the group; only what a connector needs is filled in
};

struct connector_status {
  connector_record record;
  bool connected = false;
  uint32_t tunnels = 0;
  uint32_t exchanges = 0;
  std::string version;
  std::string address;
  timestamp last_seen;
  timestamp certificate_expires;
  bool duplicate = false;  ///< two live processes hold this identity
  bool drained = false;    ///< as in its configuration
};

// -- exchanges
// ------------------------------------------------------------------------------------------------------

/// An exchange that wants a connector.
struct exchange_ticket {
  uint64_t id = 0;           ///< unique on the node
  std::string application;   ///< fairness is between applications
  uint32_t shard = 0;        ///< the user's shard; a tunnel there is preferred
  milliseconds patience{0};  ///< how long it may wait for a connection
  /// Since when it waits, by the actors' clock: after a stall of the node nobody may be left who
  /// would give the place back. Not set: since it arrives at the queue.
  std::chrono::steady_clock::time_point asked_at{};
  std::string avoid;  ///< the connector that just failed it; empty: none
};

/// Which tunnel takes an exchange.
struct dispatch {
  tunnel_id tunnel;
  std::string connector;
};

enum class exchange_outcome : uint8_t { completed, user_gone, connector_lost, origin_failed };

struct connection_status {
  tunnel_info info;
  bool draining = false;
};

// -- cluster
// ------------------------------------------------------------------------------------------------------

/// Another node of the cluster, as this one sees it.
struct cluster_node {
  std::string address;  ///< where other nodes reach it, "IP:port"; also its name
  bool connected = false;
  std::string version;             ///< of its program; as are the rest, known once it was connected
  std::string connectors_address;  ///< where connectors reach this very node, "IP:port"
  std::vector<std::string> groups;  ///< that have live tunnels there; empty while not connected
};

// -- audit
// ----------------------------------------------------------------------------------------------------------

/// Who did what when and with which result.
struct audit_event {
  uint64_t sequence = 0;  ///< given by the store; audit_query::before counts by it
  timestamp at;           ///< given by the audit log if not set
  std::string category;  ///< "sign_in", "change", "enrolment", "certificate", "revocation", "alarm"
  std::string action;    ///< for example "sign_in_succeeded"
  std::string actor;     ///< user or connector
  std::string target;    ///< application, connector, ...
  std::string outcome;   ///< "success" or a cause
  std::string address;
  std::string request_id;
  std::string detail;
};

struct audit_query {
  uint64_t before = 0;
  uint32_t limit = 100;
};

// -- connector side
// -------------------------------------------------------------------------------------------------

/// How a configuration pull ended: a configuration, "not modified" (nothing set), or an error.
struct pull_outcome {
  std::shared_ptr<const connector_configuration> configuration;
  runtime::error failure;  ///< category none if it did not fail
};

struct agent_status {
  bool ready = false;
  uint32_t tunnels_open = 0;
  uint64_t configuration_version = 0;
  bool draining = false;
};

}  // namespace postern::actors
