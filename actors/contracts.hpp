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

/// STORE SUBSCRIBER: is told what commits have touched, those of other nodes and our own.
using store_subscriber_actor = typed_actor<
    // Takes note; records are to be read again (a kind, a key or both may be left open).
    reacts_to<update_atom, std::vector<runtime::store_news>>>;

/// DURABLE STORE: the one writer; runs detached because the medium blocks.
using durable_store_actor = typed_actor<
    // Returns all records of a kind, ordered by key.
    replies_to<load_atom, std::string>::with<std::vector<runtime::stored_record>>,
    // Returns one record, or none. (kind, key)
    replies_to<find_atom, std::string, std::string>::with<std::vector<runtime::stored_record>>,
    // Tells every later commit, whoever makes it.
    replies_to<subscribe_atom, store_subscriber_actor>::with<void>,
    // INTERNAL: the store tells of a commit.
    reacts_to<update_atom, std::vector<runtime::store_news>>,
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
    // Returns an access token that was verified, or refuses it: its user was revoked after it was
    // issued ("token_revoked", unauthenticated).
    replies_to<verify_atom, verified_token>::with<verified_token>,
    // Revokes sessions, durably; returns how many live ones were ended.
    replies_to<revoke_atom, session_selector>::with<uint64_t>,
    // Lists the live sessions.
    replies_to<list_atom>::with<std::vector<session_status>>,
    // Takes over what other nodes have revoked.
    reacts_to<update_atom, std::vector<runtime::store_news>>,
    // INTERNAL: forgets revocations whose sessions have expired anyway.
    reacts_to<tick_atom>>;

// -- connectors
// -----------------------------------------------------------------------------------------------------

/// TUNNEL CONTROL: cuts tunnels; implemented by the edge.
using tunnel_control_actor = typed_actor<
    // Closes a tunnel at once; its exchanges end as "connector lost". The text is the reason, for
    // the log.
    reacts_to<shut_atom, tunnel_id, std::string>,
    // Asks the connector behind a tunnel to dial the node at an address ("IP:port").
    reacts_to<summon_atom, tunnel_id, std::string>>;

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

/// SUMMONER: can bring a tunnel here that is at another node; connector_registry is one.
using summoner_actor = typed_actor<
    // An exchange of this group waits and no tunnel is here.
    reacts_to<summon_atom, std::string>>;

/// GROUP QUEUE: the exchanges of one connector group on this node, and the connections that may
/// take them.
using group_queue_actor = typed_actor<
    // Queues an exchange for a connector of the group; answered once a connection has room, or with
    // an error when its patience ends (no connection: "no_connector", timeout; none with room:
    // "queue_timeout", overloaded), the queue is full ("queue_full", overloaded) or its patience
    // would end before its turn came ("queue_overload", overloaded).
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
    // Names whom to tell when an exchange waits and no tunnel is here.
    reacts_to<subscribe_atom, summoner_actor>,
    // Returns the attached connectors with their tunnels and running exchanges; nothing else is
    // set.
    replies_to<list_atom>::with<std::vector<connector_status>>,
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

/// GROUP SUBSCRIBER: is told which groups have live tunnels on this node, and for which one an
/// exchange waits that has none; cluster_directory is one.
using group_subscriber_actor = typed_actor<
    // Takes over the groups with live tunnels here, ordered.
    reacts_to<update_atom, std::vector<std::string>>,
    // An exchange of this group waits and no tunnel is here.
    reacts_to<summon_atom, std::string>>;

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
    // Has a connector end its tunnels when what runs has finished, and stay without, durably; or
    // (false) come back. (id, drained, by)
    replies_to<drain_atom, std::string, bool, std::string>::with<void>,
    // Moves a connector to another group, durably. (id, group, by)
    replies_to<apply_atom, std::string, std::string, std::string>::with<void>,
    // Lists all connectors.
    replies_to<list_atom>::with<std::vector<connector_status>>,
    // Takes over a new snapshot: makes and ends queues, answers waiting pulls.
    reacts_to<update_atom, published_ptr>,
    // Returns the routing in force and tells every later one.
    replies_to<subscribe_atom, routing_subscriber_actor>::with<routing_ptr>,
    // Returns the groups with live tunnels here and tells every later change.
    replies_to<subscribe_atom, group_subscriber_actor>::with<std::vector<std::string>>,
    // Has a connector of the group dial the node at an address. (group, "IP:port")
    reacts_to<summon_atom, std::string, std::string>,
    // Takes over what other nodes have recorded of connectors.
    reacts_to<update_atom, std::vector<runtime::store_news>>,
    // INTERNAL: a queue has an exchange that waits and no tunnel. (group)
    reacts_to<summon_atom, std::string>,
    // INTERNAL: answers waiting pulls whose time is up.
    reacts_to<expire_atom, uint64_t>>;

/// What the edge routes by: the published snapshot and the queue of each group.
struct routing {
  published_ptr published;
  std::map<std::string, group_queue_actor> queues;
};

// -- cluster
// -------------------------------------------------------------------------------------------------------

/// CLUSTER PEER: another node, or this one as the others see it; implemented by the edge over CAF's
/// network.
using cluster_peer_actor = typed_actor<
    // Takes a message of a node (actors/cluster_wire.hpp); the sender is that node's own peer
    // actor.
    reacts_to<deliver_atom, std::string>>;

/// CLUSTER TRANSPORT: connects to other nodes; implemented by the edge. Finite, and one node that
/// does not answer holds up no other.
using cluster_transport_actor = typed_actor<
    // Connects to the node at an address ("IP:port") over mutual TLS.
    replies_to<dial_atom, std::string>::with<cluster_peer_actor>>;

/// CLUSTER DIRECTORY: which other nodes there are, which groups have live tunnels there; summons
/// connectors from there to here.
using cluster_directory_actor = typed_actor<
    // Takes a message of another node, which that handle reaches.
    reacts_to<deliver_atom, cluster_peer_actor, std::string>,
    // Lists the other nodes.
    replies_to<list_atom>::with<std::vector<cluster_node>>,
    // Takes over the groups with live tunnels here and tells the other nodes.
    reacts_to<update_atom, std::vector<std::string>>,
    // Has a connector of the group that another node knows dial this one.
    reacts_to<summon_atom, std::string>,
    // Takes note of nodes that came or left.
    reacts_to<update_atom, std::vector<runtime::store_news>>,
    // Leaves: takes this node off the membership table. Answered when that is done, or can not be.
    replies_to<drain_atom>::with<void>,
    // INTERNAL: the time for whatever is due: nodes to dial, summonses to repeat, the own record.
    reacts_to<tick_atom>>;

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
  cluster_directory_actor cluster;
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
    // The same to one particular node of the service. (slot, "IP:port")
    reacts_to<dial_atom, uint32_t, std::string>,
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
    // A node asks for a tunnel to another one, which is at this address ("IP:port").
    reacts_to<summon_atom, std::string>,
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
