#pragma once
// The map of the system: every actor's interface and every message it understands. Whoever reads
// this file knows what Postern does. Errors travel as caf::error made by runtime::to_caf
// (runtime/caf_error.hpp). Every request has a finite timeout.

#include "actors/fwd.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace postern::actors {

using caf::reacts_to;
using caf::replies_to;
using caf::typed_actor;

// -- durable state
// --------------------------------------------------------------------------------------------------

/// DURABLE STORE: the one writer; runs detached because the medium blocks.
using durable_store_actor = typed_actor<
    // Returns all records of a kind, ordered by key.
    replies_to<load_atom, std::string>::with<std::vector<runtime::stored_record>>,
    // Applies all changes or none; answered when they are durable. Returns the new revision.
    replies_to<commit_atom, std::vector<runtime::store_change>>::with<uint64_t>,
    // Appends journal entries; answered when they are durable.
    replies_to<append_atom, std::vector<runtime::journal_entry>>::with<void>,
    // Returns the newest entries of a journal (name, before, limit), newest first.
    replies_to<list_atom, std::string, uint64_t,
               uint32_t>::with<std::vector<runtime::journal_entry>>>;

/// AUDIT LOG: who did what when; batches what it appends and never holds up whom it serves.
using audit_log_actor = typed_actor<
    // Records an event.
    reacts_to<record_atom, audit_event>,
    // Returns the newest events, newest first.
    replies_to<list_atom, audit_query>::with<std::vector<audit_event>>,
    // INTERNAL: writes what has gathered.
    reacts_to<tick_atom>>;

// -- publishing
// -----------------------------------------------------------------------------------------------------

/// CONFIGURATION SUBSCRIBER: is told each new snapshot.
using configuration_subscriber_actor = typed_actor<
    // Takes over a new snapshot.
    reacts_to<update_atom, published_ptr>>;

/// CONFIGURATION: what is published; the only one that changes it.
using configuration_actor = typed_actor<
    // Returns the snapshot in force.
    replies_to<lookup_atom>::with<published_ptr>,
    // Applies a change: validated as a whole, durable before it is answered, then told to all
    // subscribers.
    replies_to<apply_atom, change_request>::with<change_report>,
    // Returns the snapshot in force and tells every later one.
    replies_to<subscribe_atom, configuration_subscriber_actor>::with<published_ptr>>;

// -- identity
// -------------------------------------------------------------------------------------------------------

/// KEY SOURCE: fetches an issuer's public keys; implemented by the edge over HTTPS.
using key_source_actor = typed_actor<
    // Returns the issuer's JWK set as text (RFC 7517).
    replies_to<fetch_atom, std::string>::with<std::string>>;

/// TOKEN VERIFIER: says whether a token holds, and of whom it speaks.
using token_verifier_actor = typed_actor<
    // Verifies signature, issuer, audience, time window, nonce and algorithm; a nonce is accepted
    // once.
    replies_to<verify_atom, token_expectation>::with<verified_token>,
    // INTERNAL: forgets nonces that have expired.
    reacts_to<tick_atom>>;

/// USER SESSION: one authenticated session of one user.
using user_session_actor = typed_actor<
    // Decides whether a request of this session may go on to an application.
    replies_to<authorize_atom, access_request>::with<access_decision>,
    // Ends the session: every later request has to sign in again. The text is the reason.
    reacts_to<revoke_atom, std::string>,
    // INTERNAL: ends the actor once nobody has asked for a while; its cookie can wake it again.
    reacts_to<expire_atom, uint64_t>>;

/// SESSION REGISTRY: finds sessions, wakes them from their cookie, revokes them for good.
using session_registry_actor = typed_actor<
    // Finds or wakes the actor of a session that a valid cookie carries; refuses one that was
    // revoked.
    replies_to<wake_atom, access_session>::with<user_session_actor>,
    // Revokes sessions, durably; returns how many live ones were ended.
    replies_to<revoke_atom, session_selector>::with<uint64_t>,
    // Lists the live sessions.
    replies_to<list_atom>::with<std::vector<session_status>>,
    // INTERNAL: forgets revocations whose sessions have expired anyway.
    reacts_to<tick_atom>>;

// -- connectors
// -----------------------------------------------------------------------------------------------------

/// TUNNEL CONTROL: cuts tunnels; implemented by the edge.
using tunnel_control_actor = typed_actor<
    // Closes a tunnel at once; its exchanges end as "connector lost". The text is the reason, for
    // the log.
    reacts_to<shut_atom, tunnel_id, std::string>>;

/// CERTIFICATE AUTHORITY: signs connectors in (RFC 7030), renews them, keeps count of enrolment
/// tokens.
using certificate_authority_actor = typed_actor<
    // Enrols a connector: checks token, group and request, signs, and records it durably before it
    // answers.
    replies_to<sign_atom, enrolment_request>::with<issued_certificate>,
    // Renews a connector's certificate over its old one; the subject must stay the same.
    replies_to<renew_atom, renewal_request>::with<issued_certificate>,
    // Makes a one-time enrolment token.
    replies_to<issue_atom, enrolment_token_request>::with<enrolment_token>,
    // Returns the authority's certificate in PEM.
    replies_to<lookup_atom>::with<std::string>>;

/// GROUP QUEUE: the exchanges of one connector group on this node, and the connections that may
/// take them.
using group_queue_actor = typed_actor<
    // Queues an exchange for a connector of the group; answered once a connection has room, or with
    // an error when its patience ends ("no_connector", timeout), the queue is full ("queue_full",
    // overloaded) or its patience would end before its turn came ("queue_overload", overloaded).
    replies_to<submit_atom, exchange_ticket>::with<dispatch>,
    // Takes an exchange that still waits out of the queue: its user has gone.
    reacts_to<cancel_atom, uint64_t>,
    // Ends an exchange that was dispatched: frees its place on the tunnel. (tunnel, how, time to
    // the response head)
    reacts_to<release_atom, tunnel_id, exchange_outcome, milliseconds>,
    // Adds a connection that may take exchanges.
    reacts_to<attach_atom, tunnel_info>,
    // Removes a connection: it ended or drains.
    reacts_to<detach_atom, tunnel_id>,
    // Takes a connection out of the rotation (true: nothing was heard of its connector within the
    // heartbeat's bound) or back in.
    reacts_to<silent_atom, tunnel_id, bool>,
    // Returns how many exchanges run and how many wait.
    replies_to<lookup_atom>::with<uint32_t, uint32_t>,
    // INTERNAL: refuses exchanges whose patience has ended.
    reacts_to<expire_atom, uint64_t>>;

/// CONNECTOR CONNECTION: one tunnel, from hello to its end; owns its state and tells the group's
/// queue.
using connector_connection_actor = typed_actor<
    // Takes no new exchanges from now on: the connector or the node is leaving.
    reacts_to<drain_atom>,
    // Reports that the connector fell silent (true) or was heard again (false).
    reacts_to<silent_atom, bool>,
    // Reports that the tunnel has ended; the text says why. The actor quits.
    reacts_to<closed_atom, std::string>,
    // Cuts the tunnel at once. The text says why.
    reacts_to<revoke_atom, std::string>,
    // Moves to the queue of another group, or to a restarted one.
    reacts_to<update_atom, group_queue_actor>,
    // Returns what is known of the tunnel.
    replies_to<lookup_atom>::with<connection_status>>;

/// ROUTING SUBSCRIBER: is told each new routing; the edge is one on every shard.
using routing_subscriber_actor = typed_actor<
    // Takes over a new routing.
    reacts_to<update_atom, routing_ptr>>;

/// CONNECTOR REGISTRY: who is enrolled and who is connected; owns the queues of the groups and
/// supervises them.
using connector_registry_actor = typed_actor<
    // Records a connector; answered when durable. Sent by the certificate authority.
    replies_to<insert_atom, connector_record>::with<void>,
    // Returns the record of a connector.
    replies_to<find_atom, std::string>::with<connector_record>,
    // Lets a tunnel in: refuses revoked and unknown connectors and certificates, raises the alarm
    // for a second holder.
    replies_to<attach_atom, tunnel_info>::with<connector_connection_actor>,
    // Returns a connector's configuration, at once or when it changes; refuses like attach.
    replies_to<pull_atom, configuration_pull>::with<connector_configuration>,
    // Revokes a connector, durably, and cuts its tunnels. (id, by)
    replies_to<revoke_atom, std::string, std::string>::with<void>,
    // Moves a connector to another group, durably. (id, group, by)
    replies_to<apply_atom, std::string, std::string, std::string>::with<void>,
    // Lists all connectors.
    replies_to<list_atom>::with<std::vector<connector_status>>,
    // Takes over a new snapshot: makes and ends queues, answers waiting pulls.
    reacts_to<update_atom, published_ptr>,
    // Returns the routing in force and tells every later one.
    replies_to<subscribe_atom, routing_subscriber_actor>::with<routing_ptr>,
    // INTERNAL: answers waiting pulls whose time is up.
    reacts_to<expire_atom, uint64_t>>;

/// What the edge routes by: the published snapshot and the queue of each group.
struct routing {
  published_ptr published;
  std::map<std::string, group_queue_actor> queues;
};

// -- supervision
// ----------------------------------------------------------------------------------------------------

/// The long-lived actors of one node. A new value is told after each restart of one of them.
struct node_handles {
  durable_store_actor store;
  audit_log_actor audit;
  configuration_actor configuration;
  token_verifier_actor tokens;
  session_registry_actor sessions;
  certificate_authority_actor authority;
  connector_registry_actor connectors;
};

/// HANDLES SUBSCRIBER: is told when a long-lived actor was restarted.
using handles_subscriber_actor = typed_actor<
    // Takes over new handles.
    reacts_to<update_atom, node_handles_ptr>>;

/// NODE SUPERVISOR: starts the long-lived actors in order, restarts what crashes (with back-off),
/// stops them top down.
using node_supervisor_actor = typed_actor<
    // Returns the handles in force and tells every later change.
    replies_to<subscribe_atom, handles_subscriber_actor>::with<node_handles_ptr>,
    // Returns the handles in force.
    replies_to<lookup_atom>::with<node_handles_ptr>,
    // Ends all children, top down, then itself.
    reacts_to<shut_atom>>;

// -- the connector's own rules
// --------------------------------------------------------------------------------------

/// CONNECTOR IO: does what the agent decides; implemented by connector/ with sockets, by simulation
/// without.
using connector_io_actor = typed_actor<
    // Dials the tunnel of a slot; answered later by `opened` or `closed`.
    reacts_to<dial_atom, uint32_t>,
    // Announces the end of a tunnel, lets its exchanges finish, then closes it.
    reacts_to<drain_atom, uint32_t>,
    // Pulls the configuration (known version, wait); answered later by `pulled`.
    reacts_to<pull_atom, uint64_t, milliseconds>,
    // Renews the certificate: new key, request signed over the old certificate, files replaced;
    // answered by `renewed`.
    reacts_to<renew_atom>,
    // Takes over a configuration for exchanges to come.
    reacts_to<update_atom, connector_configuration>>;

/// CONNECTOR AGENT: when a connector pulls, dials, backs off, renews and drains.
using connector_agent_actor = typed_actor<
    // Begins with the first configuration pull.
    reacts_to<start_atom>,
    // Reports that a configuration pull has ended.
    reacts_to<pulled_atom, pull_outcome>,
    // Reports that the tunnel of a slot is up.
    reacts_to<opened_atom, uint32_t>,
    // Reports that the tunnel of a slot has ended or could not be dialled.
    reacts_to<closed_atom, uint32_t, runtime::error>,
    // Reports how a renewal ended (category none: well).
    reacts_to<renewed_atom, runtime::error>,
    // Leaves: drains all tunnels and dials no more.
    reacts_to<drain_atom>,
    // Returns how it stands.
    replies_to<lookup_atom>::with<agent_status>,
    // INTERNAL: the back-off of a slot is over. (slot, epoch)
    reacts_to<dial_atom, uint32_t, uint64_t>,
    // INTERNAL: time for the next pull. (epoch)
    reacts_to<pull_atom, uint64_t>>;

}  // namespace postern::actors
