#pragma once
// Every bound and time-out of the runtime, the edge and the connector's I/O, with its reason.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace postern::runtime::limits {

using namespace std::chrono_literals;

/// A request or response head, field lines included; nginx and HAProxy take 8 to 32 KiB, group-rich
/// tokens need more.
inline constexpr size_t head_bytes = 64 * 1024;
/// Field lines in one head; a bound on work, not on honest clients.
inline constexpr size_t head_fields = 200;
/// What the gateways on its way may add to a head that was as large: among peers that know each
/// other it still arrives.
inline constexpr size_t gateway_fields = 64;
/// One chunk's extensions (RFC 9112, section 7.1.1): nobody uses them but attackers.
inline constexpr size_t chunk_extension_bytes = 256;

/// From the first byte of a head to its end: slow heads are cut (408).
inline constexpr auto head_timeout = 15s;
/// For the whole content of a request to the service itself, at most service_content_bytes: slow
/// ones are cut (408). What goes to an application is cut by its idle_timeout.
inline constexpr auto service_content_timeout = 30s;
/// A user connection that sends no further request.
inline constexpr auto keep_alive_timeout = 75s;
inline constexpr auto tls_handshake_timeout = 10s;

/// Content of a request to the service itself (sign-in, admin API, EST); the data plane has no cap.
inline constexpr size_t service_content_bytes = 1024 * 1024;
/// A response that the service itself fetches (discovery, keys, tokens, configuration).
inline constexpr size_t fetched_content_bytes = 4 * 1024 * 1024;
inline constexpr auto fetch_timeout = 20s;

/// Body bytes that a node or connector holds for one stream while its reader is slow: the HTTP/2
/// stream window.
inline constexpr uint32_t stream_window = 256 * 1024;
/// What the window of a stream grows to whose reader keeps up: 20 MB/s over 100 ms of way.
inline constexpr uint32_t largest_stream_window = 2 * 1024 * 1024;
/// What the windows of one connection may grow by together, so that readers that kept up and then
/// stopped hold no more than that: a tunnel, an origin's connection, a user's.
inline constexpr size_t tunnel_window_growth = 64 * 1024 * 1024;
inline constexpr size_t origin_window_growth = 16 * 1024 * 1024;
inline constexpr size_t user_window_growth = 4 * 1024 * 1024;
/// The connection window must never be the limit: one slow stream would stall the others (RFC 9113,
/// section 5.2).
inline constexpr int32_t connection_window = 0x7fffffff;
/// Streams that a user may have open at once; browsers want a hundred.
inline constexpr uint32_t user_streams = 100;
/// What a user may send of a request's content before anybody has asked for it; then the window is
/// raised to stream_window.
inline constexpr uint32_t user_stream_window = 64 * 1024;
/// Frames from users. The smallest that HTTP/2 allows: nine of them are the largest head.
inline constexpr uint32_t user_frame = 16 * 1024;
/// Bytes queued towards one peer before its source is asked to wait.
inline constexpr size_t write_high_water = 128 * 1024;

/// From the end of the handshake to the connector's hello.
inline constexpr auto hello_timeout = 5s;

/// After this time of an exchange the user's connection is watched for its end: fast exchanges are
/// spared the system call.
inline constexpr auto abort_watch_delay = 200ms;
/// How often that is looked for where unread bytes hide it from the socket's events: with the delay
/// before it, an abort reaches the origin in well under a second.
inline constexpr auto abort_check_interval = 250ms;

/// While an exchange lasts its session is asked this often whether it still may: a revocation ends
/// live streams within 2 s.
inline constexpr auto session_watch_interval = 1s;

/// A name is looked up again for a connection that is made later than this after the last answer,
/// or the last failure: long enough to spare most look-ups, short enough that nobody waits for a
/// change (getaddrinfo tells no TTL).
inline constexpr auto name_ttl = 5s;
inline constexpr auto name_failure_ttl = 1s;
/// How long a name's last addresses are used while no name server answers.
inline constexpr auto name_stale = 10min;
/// Look-ups of a shard at once: each takes a thread, for up to half a minute if servers are silent.
inline constexpr size_t name_threads = 16;
/// Names of a shard that are remembered before old ones are forgotten.
inline constexpr size_t names_remembered = 1'000;
/// From the start of one attempt to connect to that of the next, to another address of the same
/// name (RFC 8305, section 5).
inline constexpr auto connection_attempt_delay = 250ms;

/// Idle connections to one origin that are kept for reuse, and for how long. Common servers close
/// theirs after 60 s.
inline constexpr size_t origin_idle_connections = 256;
inline constexpr auto origin_idle_timeout = 50s;

}  // namespace postern::runtime::limits
