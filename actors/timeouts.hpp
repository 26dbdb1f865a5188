#pragma once
// Every wait of the actors, by name and with its reason. Who uses it: all of actors/, and whoever
// asks an actor. A wait on an actor that itself waits for another has to be the longer of the two,
// so that the precise error arrives, not a timeout.

#include <chrono>

namespace postern::actors {

/// One answer of the durable store. A commit waits for the disk; beyond this the medium counts as
/// down.
inline constexpr std::chrono::seconds store_timeout{10};

/// An actor of this process that answers from memory. It may stand behind a burst of other
/// messages, no more.
inline constexpr std::chrono::seconds local_timeout{5};

/// Whoever answers only after a single commit (a revocation, a record, a published change), one of
/// which may be under way.
inline constexpr std::chrono::seconds durable_timeout = 2 * store_timeout + local_timeout;

/// The first snapshot of what is published: its version, groups and applications are read one after
/// the other.
inline constexpr std::chrono::seconds snapshot_timeout = 3 * store_timeout + local_timeout;

/// What connector_registry tells its subscribers: it begins with the first snapshot.
inline constexpr std::chrono::seconds routing_timeout = snapshot_timeout + local_timeout;

/// An issuer's keys over HTTPS: one fetch (runtime::limits::fetch_timeout) and the way to it and
/// back.
inline constexpr std::chrono::seconds key_fetch_timeout = std::chrono::seconds{20} + local_timeout;

/// A token verification, which may have to wait for the issuer's keys.
inline constexpr std::chrono::seconds verify_timeout = key_fetch_timeout + local_timeout;

/// A certificate: the group's and the name's look-up, up to three attempts at the token, and the
/// record.
inline constexpr std::chrono::seconds certificate_timeout =
    2 * local_timeout + 6 * store_timeout + durable_timeout;

/// Another node: reached or not within this time, with what TCP, TLS and CAF's handshake take.
inline constexpr std::chrono::seconds peer_dial_timeout{5};

/// The pause before something that failed is tried again while the store is down: soon, but no
/// flood.
inline constexpr std::chrono::seconds retry_pause{1};

/// How long a child may take to end when it is told to; then it is killed. Covers one last write.
inline constexpr std::chrono::seconds stop_timeout = store_timeout + local_timeout;

}  // namespace postern::actors
