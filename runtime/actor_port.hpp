#pragma once
// How coroutines on a shard talk with actors: `co_await port.ask<Answer>(actor, timeout,
// message...)`. The port is itself an actor (a companion without a mailbox): answers and messages
// to it run on its shard.

#include "runtime/caf_error.hpp"
#include "runtime/shard.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_companion.hpp>
#include <caf/actor_system.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>

#include <functional>

namespace postern::runtime {

/// One port per shard. Members are for the shard's own thread; the actor handle may be given to
/// anybody.
class actor_port {
 public:
  /// Answers a message to the port; deliver() may be called later, from the shard's thread, once.
  /// Does nothing for a message that asked for no answer.
  class responder {
   public:
    responder(caf::strong_actor_ptr asker, caf::strong_actor_ptr self, caf::message_id id)
        : asker_(std::move(asker)), self_(std::move(self)), id_(id) {}
    void deliver(caf::message content) const;
    /// Whoever sent the message; null if nobody did.
    const caf::strong_actor_ptr& sender() const noexcept { return asker_; }
    void deliver(const error& e) const { deliver(caf::make_message(to_caf(e))); }

   private:
    caf::strong_actor_ptr asker_, self_;
    caf::message_id id_;
  };
  /// Takes messages that are no answers.
  using message_handler = std::function<void(caf::message&, const responder&)>;

  /// Must be created on the shard's thread or before the shard runs.
  actor_port(caf::actor_system& system, shard& home);
  ~actor_port();
  actor_port(const actor_port&) = delete;
  actor_port& operator=(const actor_port&) = delete;

  /// The port as an actor, for subscriptions: `port.as<routing_subscriber_actor>()`.
  template <class Handle>
  Handle as() const {
    return caf::actor_cast<Handle>(self_);
  }

  void on_message(message_handler handler) { on_message_ = std::move(handler); }

  /// Sends a request and returns its answer, or the actor's error, or cause "actor_timeout" or
  /// "actor_down".
  template <class Answer, class Handle, class... Args>
  awaitable<result<Answer>> ask(Handle target, std::chrono::milliseconds timeout, Args... args) {
    if (!target)
      co_return error{error_category::unavailable, "actor_down", "service", "no such part yet"};
    auto reply = co_await ask_message(caf::actor_cast<caf::strong_actor_ptr>(target), timeout,
                                      caf::make_message(std::move(args)...));
    if (reply.template match_elements<caf::error>())
      co_return from_caf(reply.template get_as<caf::error>(0));
    if constexpr (std::is_void_v<Answer>) {
      co_return result<void>{};
    } else {
      if (!reply.template match_elements<Answer>())
        co_return error{error_category::internal, "actor_error", "service",
                        "an answer of another type"};
      co_return std::move(reply.template get_mutable_as<Answer>(0));
    }
  }

  /// The same with the whole answer, which may have several elements or be one caf::error.
  awaitable<caf::message> ask_message(caf::strong_actor_ptr target,
                                      std::chrono::milliseconds timeout, caf::message content);

  /// Sends without waiting for an answer.
  template <class Handle, class... Args>
  void tell(const Handle& target, Args&&... args) {
    if (target)
      target->enqueue(self_ptr_, caf::make_message_id(),
                      caf::make_message(std::forward<Args>(args)...), nullptr);
  }

 private:
  struct pending {
    unique_function<void(caf::message)> waiter;
    coarse_timer deadline;
    actor_port* owner = nullptr;
    uint64_t id = 0;
    pending* next_free = nullptr;
  };

  void on_enqueue(caf::mailbox_element_ptr element);
  void drain_inbox();
  void dispatch(caf::mailbox_element& element);
  void answer(uint64_t id, caf::message content);
  pending& acquire();

  shard& shard_;
  caf::actor self_;
  caf::strong_actor_ptr self_ptr_;
  message_handler on_message_;
  std::vector<caf::mailbox_element_ptr> inbox_, draining_;
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  ///< for what is posted from other threads
  std::vector<std::unique_ptr<pending>> slots_;
  pending* free_ = nullptr;
  uint64_t generation_ = 0;
};

}  // namespace postern::runtime
