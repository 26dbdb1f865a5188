#pragma once
// The store of the simulated world, which all nodes share: it keeps what was committed through
// every death, can be down, and can be out of reach of a node.

#include "runtime/store_watchers.hpp"
#include "tests/simulation/network.hpp"

namespace postern::simulation {

class store_client;

/// The server. It stands on a machine of its own, so that links to it have a name.
class shared_store {
 public:
  shared_store(timeline& time, runtime::random_source& dice, network& net, uint64_t seed);

  machine& place() noexcept { return place_; }
  runtime::store& medium() noexcept { return *medium_; }
  /// What a node's process has of it.
  std::shared_ptr<store_client> connect(machine& from);
  bool reaches(const machine& m) const { return !down_ && net_.joined(m, place_); }
  void set_down(bool down);
  /// To be told after links to it were cut or healed.
  void look_at_links();
  /// The next commit is written and yet reported as failed.
  void lose_answer() noexcept { ++lost_answers_; }
  void lose_no_more_answers() noexcept { lost_answers_ = 0; }

 private:
  friend class store_client;
  std::vector<std::shared_ptr<store_client>> clients();

  timeline& time_;
  runtime::random_source& dice_;
  network& net_;
  machine place_;
  std::unique_ptr<runtime::store> medium_ = runtime::make_memory_store();
  std::vector<std::weak_ptr<store_client>> clients_;
  bool down_ = false;
  unsigned lost_answers_ = 0;
};

/// The store as one process reaches it. News of commits come later and in their order; as
/// runtime/postgres_listener does, it says that anything may have changed once it listens again
/// after a gap.
class store_client final : public runtime::store,
                           public std::enable_shared_from_this<store_client> {
 public:
  store_client(shared_store& server, machine& on);

  /// Since when every commit has been told here soon; none: some are held back or were missed.
  std::optional<actor_time> in_touch_since() const;

  runtime::result<std::vector<runtime::stored_record>> load(const std::string& kind) override;
  runtime::result<std::optional<runtime::stored_record>> find(const std::string& kind,
                                                              const std::string& key) override;
  runtime::result<uint64_t> commit(const std::vector<runtime::store_change>& changes) override;
  runtime::result<void> append(const std::vector<runtime::journal_entry>& entries) override;
  runtime::result<std::vector<runtime::journal_entry>> read_journal(const std::string& journal,
                                                                    uint64_t before,
                                                                    size_t limit) override;
  std::shared_ptr<void> watch(runtime::store_watcher watcher) override;

 private:
  friend class shared_store;
  enum class listening : uint8_t {
    never,  ///< nobody has asked for news yet
    trying,
    on,
    held,  ///< the link is cut; what was told lies in the kernel of the store's machine
  };

  bool reached() const { return server_.reaches(on_); }
  void tell(const std::vector<runtime::store_news>& news);
  void try_to_listen(duration pause);
  void look_at_link();

  shared_store& server_;
  machine& on_;
  std::shared_ptr<runtime::store_watchers> watchers_ = std::make_shared<runtime::store_watchers>();
  listening state_ = listening::never;
  actor_time since_{};  // of the state
  actor_time last_arrival_{};
  std::vector<std::vector<runtime::store_news>> held_;
};

}  // namespace postern::simulation
