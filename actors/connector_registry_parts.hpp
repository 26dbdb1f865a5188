#pragma once
// What connector_registry keeps: its records, limits and things that wait. Included by
// connector_registry.hpp only.

#include "actors/contracts.hpp"
#include "actors/group_queue.hpp"
#include "actors/instance_watch.hpp"

#include <caf/response_promise.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <optional>

namespace postern::actors {

/// The kind of the store's records.
inline constexpr const char* connector_kind = "connector";

/// The kind of a record that says that a connector is drained: the key is its id, the value the
/// administrator's name. A record of its own, so that nodes that know nothing of it read those of
/// the connectors as ever.
inline constexpr const char* drain_kind = "connector_drain";

/// A record of a connector as a blob; a larger one is none of ours.
inline constexpr size_t largest_connector_record = 64 * 1'024;

/// Certificates of one connector that count at a time: with one renewal in 180 days and a validity
/// of 365 there are three; the rest is room for renewals that were cut off before they arrived. The
/// oldest go first, but never one that a live tunnel, the last pull or the renewal itself came
/// with, so that no connector loses the certificate that it has: those may be more.
inline constexpr size_t largest_serial_count = 16;

/// Changes that may wait for the one under way: a thousand connectors that enrol at once.
inline constexpr size_t largest_change_queue = 1'024;

/// Pulls that wait, one per live connector process, on the whole node and per connector. A second
/// process of a connector is a mistake that an alarm reports, not one to serve without bound.
inline constexpr size_t largest_pull_count = 20'000;
inline constexpr size_t largest_pull_count_per_connector = 4;

/// The longest a pull may wait: shorter than an instance is remembered.
inline constexpr milliseconds longest_pull_wait{50'000};

/// Waits of pulls end up to this much late: one look at all of them serves many.
inline constexpr milliseconds pull_grain{100};

/// A connector may have this many times the tunnels it is told to dial: after a broken network the
/// old ones are still there while it dials anew, and a second process may stand by.
inline constexpr uint32_t tunnel_allowance = 4;

/// A queue that crashes more often than this within the window is beyond restarting: the registry
/// ends too and leaves the rest to its supervisor.
inline constexpr unsigned largest_restart_count = 5;
inline constexpr std::chrono::seconds restart_window{10};

/// A tunnel that was let in and has not ended.
struct live_tunnel {
  tunnel_info info;
  connector_connection_actor connection;
};

/// An enrolled connector with all that is known of its processes.
struct registered_connector {
  connector_record record;  ///< as in the store
  uint64_t revision = 0;    ///< of the store
  std::vector<live_tunnel> tunnels;
  instance_watch instances;
  std::string version;  ///< from its last tunnel
  std::string address;  ///< from its last tunnel or pull
  timestamp last_seen{};
  std::string certificate_serial;  ///< from its last pull, empty before
  timestamp certificate_expires{};
};

/// The queue of a group, and how often it had to be restarted.
struct owned_queue {
  group_queue_actor queue;
  unsigned restarts = 0;
  actor_time window_began{};
};

/// What of a snapshot the connectors of one group get, made once per snapshot.
struct group_content {
  std::vector<config::application> applications;
  uint64_t digest = 0;
};

/// A change of one record that waits for its turn.
struct record_change {
  std::string id;
  /// Makes the new record of the one in force (null: not enrolled).
  std::function<runtime::result<connector_record>(const connector_record*)> make;
  std::optional<audit_event> event;  ///< recorded once it is durable
  caf::response_promise answer;
};

/// A pull that waits for its configuration to change.
struct waiting_pull {
  std::string connector;
  std::string instance;
  uint64_t known_version = 0;
  timestamp not_before;  ///< of the certificate that was shown
  actor_time deadline;
  caf::typed_response_promise<connector_configuration> promise;
};

/// A list that waits for the queues to say how much runs.
struct pending_list {
  std::vector<connector_status> statuses;  ///< ordered by id
  size_t outstanding = 0;
  caf::typed_response_promise<std::vector<connector_status>> promise;
};

}  // namespace postern::actors
