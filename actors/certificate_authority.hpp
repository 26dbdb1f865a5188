#pragma once
// The actor that signs connectors in and renews them. Who uses it: the edge's EST endpoints
// (RFC 7030) and the admin API. Its rules stand in enrolment_rules.hpp and enrolment_tokens.hpp,
// its key in authority_key.hpp; enrolment_steps.cpp strings them together.

#include "actors/authority_key.hpp"
#include "actors/contracts.hpp"

#include <memory>
#include <optional>
#include <string>

namespace postern::actors {

/// The interface plus what the actor sends to itself.
using certificate_authority_self_actor = certificate_authority_actor::extend<
    // INTERNAL: tries to load or make the key again after the store failed.
    reacts_to<tick_atom>>;

/// Enrolments, renewals and new tokens at once; more are refused with "authority_busy". Each costs
/// a signature check and some durable writes, and may come from anybody.
inline constexpr size_t authority_limit = 64;

struct certificate_authority_dependencies {
  durable_store_actor store;
  audit_log_actor audit;
  configuration_actor configuration;
  connector_registry_actor connectors;
  const runtime::wall_clock* clock = nullptr;  ///< must outlive the actor, as must `random`
  runtime::random_source* random = nullptr;
  std::shared_ptr<const runtime::key_ring> wrapping_keys;
  std::chrono::seconds certificate_lifetime = std::chrono::hours{24 * 365};
};

/// The key, once it is known, and what stands in its way until then.
struct certificate_authority_state {
  static constexpr const char* name = "certificate_authority";

  certificate_authority_dependencies deps;
  std::optional<authority_key> key;
  bool starting = true;      ///< the first answer of the store is awaited: requests wait, too
  runtime::error not_ready;  ///< after that, why there is no key
  size_t running = 0;        ///< requests that wait for others

  /// Reads the store's answer: takes over the key, or makes one. Returns the write that must be
  /// durable before the key may be used (a new one) or that should be (a rewrapped one).
  runtime::result<std::optional<runtime::store_change>> begin_key(
      const std::vector<runtime::stored_record>& records);
  /// The key that begin_key made is durable.
  void end_key();

 private:
  std::optional<authority_key> made_;
};

/// Loads its key at start, or makes it at the very first one. Errors of `sign`, besides those of
/// the rules: "enrolment_unauthenticated", "group_unknown"; of `renew`: "certificate_foreign",
/// "connector_unknown"; of all: "authority_busy", "authority_unreadable", "store_unavailable" and
/// those of the store.
certificate_authority_self_actor::behavior_type certificate_authority(
    certificate_authority_self_actor::stateful_pointer<certificate_authority_state> self,
    certificate_authority_dependencies deps);

}  // namespace postern::actors
