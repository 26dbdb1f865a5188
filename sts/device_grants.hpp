#pragma once
// Sign-ins of devices and command lines that have no browser (RFC 8628): from the two codes to the
// user's decision.

#include "runtime/random_source.hpp"
#include "runtime/wall_clock.hpp"
#include "sts/options.hpp"
#include "sts/responses.hpp"
#include "sts/shared_grants.hpp"
#include "sts/single_sign_on.hpp"

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace postern::sts {

/// The grants in flight; in memory only, a restart makes the device ask again. With other nodes on
/// one store they are there as well, so that each step may come to another node.
///
/// While the store is down, those begun meanwhile live and end here. Of those that are in the store
/// a decision taken here is kept and written once the store is back, unless another node has
/// decided by then; only after that the device is told, or two nodes might tell it. (An outage
/// within that very step may cost the decision: the device then has to begin again.) Safe to use
/// from any thread.
class device_grants {
 public:
  /// `shared`: the store of all nodes; null: there is one node. Must outlive the object.
  device_grants(const options& settings, const runtime::wall_clock& clock,
                runtime::random_source& random, runtime::store* shared = nullptr)
      : lifetime_(settings.device_code_lifetime), clock_(clock), random_(random) {
    if (shared != nullptr) shared_.emplace(*shared);
  }

  struct started {
    std::string device_code;  ///< a secret between the device and us; we keep its hash only
    std::string user_code;    ///< "BCDF-GHJK", what the user types or compares
  };
  /// Errors: "temporarily_unavailable" when too many are in flight, in all or from this address.
  oauth_result<started> start(std::string client_id, std::string scope, std::string_view address);

  struct waiting {
    std::string client_id;
    std::string address;    ///< where the device asked from
    std::string user_code;  ///< in its canonical form
  };
  /// What waits for a user under that code, typed with or without dash, in any case. None: unknown,
  /// expired or decided.
  std::optional<waiting> find(std::string_view typed_code);

  /// The user's decision; no session: denied. False if nothing waits under that code any more, or
  /// another node was first.
  bool decide(std::string_view user_code, std::optional<session> who);

  struct allowed {
    std::string scope;
    session who;
  };
  /// What the device learns when it asks. Errors of RFC 8628, 3.5: "authorization_pending",
  /// "slow_down" (the interval then grows by limits::device_interval), "access_denied",
  /// "expired_token"; "invalid_grant" for a code that is unknown, used or another client's. A
  /// decision is told once; as long as the store cannot say whether it was, it is pending.
  oauth_result<allowed> poll(std::string_view device_code, std::string_view client_id);

 private:
  enum class state : uint8_t {
    waiting,  ///< for the user
    allowed,  ///< the next poll gets `who`
    denied,   ///< the next poll is told so
  };
  struct entry {
    std::string code_hash;
    std::string user_code;
    std::string client_id;
    std::string scope;
    std::string address;
    runtime::timestamp expires;
    std::optional<runtime::timestamp> last_poll;
    std::chrono::seconds interval;
    state now_in = state::waiting;
    session who;
    uint64_t revision = 0;  ///< in the store; 0: it is not there
    bool unsaved = false;   ///< the store has not said that it has the decision
  };
  using position = std::list<entry>::iterator;
  /// What became of a change to the store.
  enum class outcome : uint8_t {
    done,
    lost,     ///< another node was first
    unknown,  ///< the store did not answer
  };

  void add(entry e);
  void erase(position at);
  /// Hands the decision to the device and ends the entry.
  oauth_result<allowed> tell(position at);
  /// Takes over what other nodes have begun, decided and ended, and writes what could not be
  /// written before.
  void refresh();
  /// Writes the decision of an entry that is in the store; lost: it waits again.
  outcome share_decision(entry& e);
  /// Writes an entry to the store, also one that is not there yet.
  outcome share(entry& e);
  /// Ends an entry for all nodes.
  outcome take(const entry& e);
  template <class T>
  static outcome outcome_of(const runtime::result<T>& change);
  void drop_old(runtime::timestamp now);
  std::string fresh_user_code();
  std::optional<position> find_waiting(std::string_view typed_code) const;

  const std::chrono::seconds lifetime_;
  const runtime::wall_clock& clock_;
  runtime::random_source& random_;
  std::optional<shared_grants> shared_;
  runtime::timestamp next_refresh_{};
  std::mutex mutex_;
  std::list<entry> entries_;  ///< oldest first
  std::map<std::string, position, std::less<>> by_code_hash_;
  std::map<std::string, position, std::less<>> by_user_code_;
  std::map<std::string, size_t, std::less<>> per_address_;
};

}  // namespace postern::sts
