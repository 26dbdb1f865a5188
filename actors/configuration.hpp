#pragma once
// The actor that owns what is published. Who uses it: the admin API applies changes;
// connector_registry and the certificate authority follow the snapshots.

#include "actors/contracts.hpp"

#include <optional>
#include <vector>

namespace postern::actors {

/// The interface plus what the actor sends to itself.
using configuration_self_actor = configuration_actor::extend<
    // Takes over what other nodes have published.
    reacts_to<update_atom, std::vector<runtime::store_news>>,
    // INTERNAL: tries to load again after the store failed.
    reacts_to<tick_atom>>;

/// Where the actor stands. Legal moves: loading -> ready | stale; ready -> committing |
/// loading; committing -> ready | loading; stale -> loading.
enum class configuration_phase : uint8_t {
  loading,     ///< the store has been asked; without a snapshot every request waits
  ready,       ///< memory and store agree
  committing,  ///< a change is being written; further changes wait in the mailbox
  stale,       ///< the store failed: look-ups go on, changes are refused until it was read again
};

/// The snapshot in force and how it changes. The behavior sends what these functions return.
class configuration_state {
 public:
  static constexpr const char* name = "configuration";

  /// The service's own host names, which no application may take.
  void set_service_hosts(std::vector<std::string> hosts) { service_hosts_ = std::move(hosts); }

  configuration_phase phase() const noexcept { return phase_; }
  const published_ptr& snapshot() const noexcept { return snapshot_; }

  /// Begins to read the store. `meta` is to be read first: a commit of somebody else that slips in
  /// between then makes the next one of ours fail instead of undoing theirs.
  void begin_load() noexcept;
  void take_meta(const std::vector<runtime::stored_record>& meta);
  /// Ends the load. Returns whether the snapshot is a new one that subscribers have to know.
  bool end_load(const std::vector<runtime::stored_record>& groups,
                const std::vector<runtime::stored_record>& applications);
  void fail_load() noexcept { move_to(configuration_phase::stale); }

  /// Whether news of the store make what is in memory old. Our own commits do not.
  bool is_outdated_by(const std::vector<runtime::store_news>& news) const noexcept;
  /// What is in memory is old: it is to be read once the phase is `ready`.
  void mark_outdated() noexcept { outdated_ = true; }
  /// Begins to read again if that is due and possible; says whether it is.
  bool begin_reload() noexcept;

  /// What a change comes to: a report that may be answered at once (`writes` is empty), or the
  /// writes to commit first; then the phase is `committing`. Errors: as plan_change, or
  /// `unavailable` with the cause "store_unavailable" while the store cannot be read.
  struct step {
    change_report report;
    std::vector<runtime::store_change> writes;
    published_ptr next;
  };
  runtime::result<step> begin_change(const change_request& request);
  /// The writes are durable since the store's revision `revision`: `next` is in force.
  void end_change(published_ptr next, uint64_t revision);
  /// It is not known whether the writes are in the store: read it again.
  void fail_change() noexcept { move_to(configuration_phase::loading); }

 private:
  void move_to(configuration_phase next) noexcept;

  std::vector<std::string> service_hosts_;
  configuration_phase phase_ = configuration_phase::stale;
  published_ptr snapshot_;
  uint64_t stored_version_ = 0;
  bool outdated_ = false;       ///< somebody else has published since the last load began
  uint64_t meta_revision_ = 0;  ///< of the record that every commit replaces; 0: there is none
};

/// The rules plus the handles of those around it.
struct configuration_actor_state : configuration_state {
  durable_store_actor store;
  audit_log_actor audit;
  std::vector<configuration_subscriber_actor> subscribers;
};

struct configuration_dependencies {
  durable_store_actor store;
  audit_log_actor audit;
  std::vector<std::string> service_hosts;  ///< the service's own names, which nothing may take
};

/// Loads at start, tries again until it can. Each accepted change is durable (records "group" and
/// "application", and "meta" with the version) before it is answered, and is then told to every
/// subscriber; dead ones are dropped. Ends when told to.
configuration_self_actor::behavior_type configuration(
    configuration_self_actor::stateful_pointer<configuration_actor_state> self,
    configuration_dependencies deps);

}  // namespace postern::actors
