// What CAF orders, told to the thread sanitizer. Debian's CAF is not instrumented: without this the
// sanitizer sees no order between an actor's sender, its steps and its end, and every report about
// an actor would have to be suppressed, those about our own handlers with them. The functions here
// take the places of the library's (the dynamic linker prefers a program's) and hand on to them.
// Part of the tsan preset only.

#ifdef __SANITIZE_THREAD__

#include <caf/actor_control_block.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/detail/thread_safe_actor_clock.hpp>
#include <caf/scheduled_actor.hpp>

#include <cstdlib>
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

namespace {

template <class F>
F* library_function(const char* symbol) {
  auto* found = dlsym(RTLD_NEXT, symbol);
  if (found == nullptr) std::abort();  // another CAF than the one this was written for
  return reinterpret_cast<F*>(found);
}

/// All that came before reaches all that comes later to `what`, as a read-modify-write of it would
/// do.
void pass(void* what) {
  __tsan_release(what);
  __tsan_acquire(what);
}

}  // namespace

namespace caf {

// -- a message: from whoever sends it, to the actor

void scheduled_actor::enqueue(mailbox_element_ptr element, execution_unit* unit) {
  static auto* const real = library_function<void(scheduled_actor*, mailbox_element_ptr,
                                                  execution_unit*)>(
      "_ZN3caf15scheduled_actor7enqueueESt10unique_ptrINS_15mailbox_elementENS_6detail8disposerEE"
      "PNS_14execution_unitE");
  __tsan_acquire(element.get());  // of the clock's thread: what it sends is another's
  __tsan_release(this);
  real(this, std::move(element), unit);
}

void blocking_actor::enqueue(mailbox_element_ptr element, execution_unit* unit) {
  static auto* const real = library_function<void(blocking_actor*, mailbox_element_ptr,
                                                  execution_unit*)>(
      "_ZN3caf14blocking_actor7enqueueESt10unique_ptrINS_15mailbox_elementENS_6detail8disposerEE"
      "PNS_14execution_unitE");
  __tsan_release(this);
  real(this, std::move(element), unit);
}

intrusive::task_result blocking_actor::mailbox_visitor::operator()(mailbox_element& element) {
  static auto* const real =
      library_function<intrusive::task_result(mailbox_visitor*, mailbox_element&)>(
          "_ZN3caf14blocking_actor15mailbox_visitorclERNS_15mailbox_elementE");
  __tsan_acquire(self);
  return real(this, element);
}

void detail::thread_safe_actor_clock::schedule_message(time_point when, strong_actor_ptr receiver,
                                                       mailbox_element_ptr element) {
  static auto* const real = library_function<void(thread_safe_actor_clock*, time_point,
                                                  strong_actor_ptr, mailbox_element_ptr)>(
      "_ZN3caf6detail23thread_safe_actor_clock16schedule_messageENSt6chrono10time_pointINS2_3_"
      "V212steady_clock"
      "ENS2_8durationIlSt5ratioILl1ELl1000000000EEEEEENS_13intrusive_ptrINS_19actor_control_"
      "blockEEE"
      "St10unique_ptrINS_15mailbox_elementENS0_8disposerEE");
  __tsan_release(element.get());
  real(this, when, std::move(receiver), std::move(element));
}

// -- an actor's steps: from whoever made it, then one after the other, on whichever threads

void scheduled_actor::launch(execution_unit* unit, bool lazy, bool hide) {
  static auto* const real = library_function<void(scheduled_actor*, execution_unit*, bool, bool)>(
      "_ZN3caf15scheduled_actor6launchEPNS_14execution_unitEbb");
  __tsan_release(this);
  real(this, unit, lazy, hide);
}

bool scheduled_actor::activate(execution_unit* unit) {
  static auto* const real = library_function<bool(scheduled_actor*, execution_unit*)>(
      "_ZN3caf15scheduled_actor8activateEPNS_14execution_unitE");
  pass(this);
  const auto alive = real(this, unit);
  pass(this);
  return alive;
}

scheduled_actor::activation_result scheduled_actor::reactivate(mailbox_element& element) {
  static auto* const real = library_function<activation_result(scheduled_actor*, mailbox_element&)>(
      "_ZN3caf15scheduled_actor10reactivateERNS_15mailbox_elementE");
  pass(this);
  const auto result = real(this, element);
  pass(this);
  return result;
}

// -- its end: what is still in the mailbox goes with it, the rest on the thread that gives up the
// last reference

bool scheduled_actor::cleanup(error&& reason, execution_unit* unit) {
  static auto* const real = library_function<bool(scheduled_actor*, error&&, execution_unit*)>(
      "_ZN3caf15scheduled_actor7cleanupEONS_5errorEPNS_14execution_unitE");
  pass(this);
  return real(this, std::move(reason), unit);
}

void intrusive_ptr_release(actor_control_block* block) {
  static auto* const real = library_function<void(actor_control_block*)>(
      "_ZN3caf21intrusive_ptr_releaseEPNS_19actor_control_blockE");
  pass(block);
  real(block);
}

// The place it stood in, when nobody has its address any more.
void intrusive_ptr_release_weak(actor_control_block* block) {
  static auto* const real = library_function<void(actor_control_block*)>(
      "_ZN3caf26intrusive_ptr_release_weakEPNS_19actor_control_blockE");
  pass(block);
  real(block);
}

}  // namespace caf

#endif
