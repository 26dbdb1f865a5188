#pragma once
// Every bound of the connector that is not shared with a node (those stand in runtime/limits.hpp),
// with its reason.

#include <chrono>
#include <cstddef>

namespace postern::connector::limits {

using namespace std::chrono_literals;

/// From the first packet of a tunnel to the end of its TLS handshake; the same patience that a node
/// has.
inline constexpr auto tunnel_dial_timeout = 10s;

/// An origin that says neither 100 nor anything else to `Expect: 100-continue` gets the content
/// after this time (RFC 9110, section 10.1.1, forbids to wait forever; curl waits as long).
inline constexpr auto continue_patience = 1s;

/// A request that must not be repeated takes an idle connection only if it rested no longer than
/// this: common servers close theirs after 2 to 5 s, and the request that meets the closing is
/// lost.
inline constexpr auto unsafe_reuse = 1s;

/// Interim responses (1xx) before a final one: servers send one or two, and one without an end of
/// them would never let go of the shard.
inline constexpr unsigned interim_responses = 32;

/// HTTP/2 connections of a shard to one origin: the second is made when the origin's limit of
/// streams is reached on the first. Common servers allow 100 to 250 on each.
inline constexpr size_t http2_connections = 4;
/// Streams on a connection whose origin sets no limit (RFC 9113, section 6.5.2, recommends no less)
/// count as this many.
inline constexpr uint32_t http2_assumed_streams = 100;
/// Connections that a request is tried on, where it is safe to repeat it.
inline constexpr unsigned http2_attempts = 3;

/// Content that waits for the tunnel's lease looks this often whether it holds again: this
/// happens only after a silence of more than a second, and a ping is answered within moments.
inline constexpr auto lease_poll = 20ms;

/// How often idle origin connections are looked over.
inline constexpr auto idle_sweep = 5s;

/// One read of a response head and what comes with it. More is read as the tunnel takes it.
inline constexpr size_t head_read = 64 * 1'024;
/// One read of content: what the tunnel takes in one turn.
inline constexpr size_t content_read = 64 * 1'024;

/// Between the end of a wait that a node promised to keep and giving the pull up.
inline constexpr auto pull_grace = 15s;

/// A planned stop ends no later than this; service managers kill after 30 s and more. WebSockets
/// and event streams would go on for ever.
inline constexpr auto drain_deadline = 20s;

/// Enrolment tokens have 43 characters; this much is read of a file that may be anything.
inline constexpr size_t token_bytes = 4'096;
/// Certificates of all authorities of a system are about 250 KiB.
inline constexpr size_t authorities_bytes = 4 * 1'024 * 1'024;

}  // namespace postern::connector::limits
