#include "runtime/actor_port.hpp"

#include <caf/sec.hpp>
#include <caf/send.hpp>

namespace postern::runtime {

namespace {

// A request id is generation << slot_bits | slot: an answer that comes too late finds another
// generation in its slot.
constexpr unsigned slot_bits = 20;
constexpr uint64_t slot_mask = (uint64_t{1} << slot_bits) - 1;
constexpr uint64_t generation_mask = (caf::message_id::request_id_mask >> slot_bits);

}  // namespace

void actor_port::responder::deliver(caf::message content) const {
  if (asker_ && id_.is_request())
    asker_->enqueue(self_, id_.response_id(), std::move(content), nullptr);
}

actor_port::actor_port(caf::actor_system& system, shard& home)
    : shard_(home), self_(system.spawn<caf::actor_companion, caf::hidden>()) {
  self_ptr_ = caf::actor_cast<caf::strong_actor_ptr>(self_);
  auto* companion =
      static_cast<caf::actor_companion*>(caf::actor_cast<caf::abstract_actor*>(self_));
  companion->on_enqueue(
      [this](caf::mailbox_element_ptr element) { on_enqueue(std::move(element)); });
}

actor_port::~actor_port() {
  auto* companion =
      static_cast<caf::actor_companion*>(caf::actor_cast<caf::abstract_actor*>(self_));
  companion->on_enqueue([](caf::mailbox_element_ptr) {});
  companion->cleanup(caf::make_error(caf::exit_reason::normal),
                     companion->home_system().dummy_execution_unit());
  shard_.forget_tasks(this);
}

void actor_port::on_enqueue(caf::mailbox_element_ptr element) {
  if (shard::current() != &shard_) {
    shard_.post(
        [this, alive = std::weak_ptr<bool>{alive_}, element = std::move(element)]() mutable {
          if (!alive.expired()) dispatch(*element);
        });
    return;
  }
  // Never inside the sender's handler: what waits may send to that very actor.
  inbox_.push_back(std::move(element));
  if (inbox_.size() == 1)
    shard_.defer([](void* self) { static_cast<actor_port*>(self)->drain_inbox(); }, this);
}

void actor_port::drain_inbox() {
  draining_.swap(inbox_);
  for (auto& element : draining_)
    dispatch(*element);
  draining_.clear();
}

void actor_port::dispatch(caf::mailbox_element& element) {
  const auto id = element.mid;
  if (id.is_response()) {
    answer(id.integer_value() & caf::message_id::request_id_mask,
           element.move_content_to_message());
    return;
  }
  auto content = element.move_content_to_message();
  if (on_message_) on_message_(content, responder{element.sender, self_ptr_, id});
}

actor_port::pending& actor_port::acquire() {
  if (free_ == nullptr) {
    ensure(slots_.size() < slot_mask,
           "requests to actors are bounded by the exchanges that make them");
    slots_.push_back(std::make_unique<pending>());
    slots_.back()->owner = this;
    slots_.back()->id = slots_.size() - 1;
    free_ = slots_.back().get();
  }
  auto& slot = *free_;
  free_ = slot.next_free;
  generation_ = generation_ == generation_mask ? 1 : generation_ + 1;
  slot.id = (slot.id & slot_mask) | (generation_ << slot_bits);
  return slot;
}

awaitable<caf::message> actor_port::ask_message(caf::strong_actor_ptr target,
                                                std::chrono::milliseconds timeout,
                                                caf::message content) {
  auto& slot = acquire();
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<executor>,
                                          void(caf::message)>(
      [&](auto handler) {
        slot.waiter = std::move(handler);
        shard_.timers().arm(
            slot.deadline, timeout,
            [](void* raw) {
              auto& late = *static_cast<pending*>(raw);
              late.owner->answer(late.id,
                                 caf::make_message(caf::make_error(caf::sec::request_timeout)));
            },
            &slot);
        target->enqueue(self_ptr_, caf::message_id{slot.id}.with_normal_priority(),
                        std::move(content), nullptr);
      },
      use_awaitable);
}

void actor_port::answer(uint64_t id, caf::message content) {
  if ((id & slot_mask) >= slots_.size()) return;
  auto& slot = *slots_[id & slot_mask];
  if (slot.id != id || !slot.waiter) return;
  slot.deadline.disarm();
  auto waiter = std::move(slot.waiter);
  slot.id &= slot_mask;
  slot.next_free = free_;
  free_ = &slot;
  waiter(std::move(content));
}

}  // namespace postern::runtime
