#include "actors/timeouts.hpp"
#include "tests/simulation/node_process.hpp"
#include "tests/simulation/world.hpp"

namespace postern::simulation {

namespace {

constexpr milliseconds queue_slack{2'000};
// Whoever is refused by a connector that thawed may have less than this left, and no time to call
// another one over.
constexpr milliseconds call_over_time{1'000};
// What has been told of new actors asks them next time.
constexpr milliseconds whole_at_once{1'000};

const char* method_name(method m) {
  return m == method::get ? "GET" : "POST";
}

}  // namespace

node_exchange::node_exchange(node_process& node, user_request request)
    : node_(node),
      request_(std::move(request)),
      failover_(repeatable(request_.how)),
      began_(node.on().now()) {}

// -- who may --------------------------------------------------------------------------------------

void node_exchange::begin() {
  const auto& routing = node_.routing();
  const auto* found = routing && routing->published
                          ? routing->published->find_application(request_.application)
                          : nullptr;
  if (found == nullptr) return finish("application_unknown");
  application_ = actors::application_ptr{routing->published, found};
  if (const auto q = routing->queues.find(found->group); q != routing->queues.end())
    published_queue_ = q->second;
  if (found->preauthentication == config::preauthentication_kind::passthrough) {
    node_.in().book().authorized(id());
    return queue();
  }
  admit();
}

void node_exchange::admit() {
  if (!request_.session) return finish("not_signed_in");
  // Half of the requests come over connections that have been kept since the last one.
  const auto kept = id() % 2 == 0;
  if (const auto* known = node_.opened(request_.session->id); kept && known != nullptr)
    return authorize(*known);
  start_waking();
}

void node_exchange::start_waking() {
  waking_ = {};
  wake();
}

void node_exchange::wake() {
  waking_.asked = node_.on().now();
  auto& process = node_;
  const auto mine = id();
  node_.on().ask<actors::user_session_actor>(
      node_.handles()->sessions, actors::local_timeout,
      [&process, mine](const actors::user_session_actor& session) {
        auto* x = process.find_exchange(mine);
        if (x == nullptr) return;
        process.keep_open(x->request_.session->id, session);
        x->authorize(session);
      },
      [&process, mine](const runtime::error& e) {
        auto* x = process.find_exchange(mine);
        if (x == nullptr) return;
        if (!x->may_wait(e, x->waking_)) return x->finish(e.cause);
        x->pause_then(&node_exchange::wake);
      },
      actors::wake_atom_v, *request_.session);
}

void node_exchange::authorize(const actors::user_session_actor& session) {
  deciding_.asked = node_.on().now();
  auto& process = node_;
  const auto mine = id();
  node_.on().ask<actors::access_decision>(
      session, actors::local_timeout,
      [&process, mine](const actors::access_decision& d) {
        if (auto* x = process.find_exchange(mine)) x->decided(d);
      },
      [&process, mine](const runtime::error& e) {
        if (auto* x = process.find_exchange(mine)) x->on_undecided(e);
      },
      actors::authorize_atom_v, actors::access_request{application_});
}

void node_exchange::decided(const actors::access_decision& d) {
  if (d.verdict == actors::access_verdict::sign_in) node_.forget_opened(request_.session->id);
  if (d.verdict != actors::access_verdict::allow) return finish(d.reason);
  node_.in().authorized(node_, id());
  queue();
}

void node_exchange::on_undecided(const runtime::error& why) {
  if (why.cause != "actor_down") return finish(why.cause);
  // A session ends for want of work as well: that alone is no reason to lose patience.
  const auto again = std::exchange(woken_again_, true);
  if (again && !may_wait(why, deciding_)) return finish(why.cause);
  node_.in().book().note("session of exchange " + std::to_string(id()) + " is woken again");
  start_waking();
}

// -- to a connector -------------------------------------------------------------------------------

void node_exchange::queue() {
  if (user_left_) return finish("user_gone");
  state_ = state::queued;
  guarded_ = request_.how != method::get;
  queue_ = published_queue_;
  finding_ = {};
  node_.in().book().next_step(id());
  ask_for_place();
}

void node_exchange::ask_for_place() {
  finding_.asked = node_.on().now();
  const auto spent = std::chrono::duration_cast<milliseconds>(finding_.asked - began_);
  actors::exchange_ticket ticket;
  ticket.id = ticket_ = node_.next_number();
  ticket.application = request_.application;
  ticket.patience = std::max(application_->response_timeout - spent, milliseconds::zero());
  ticket.asked_at = queued_at_ = node_.on().now();
  ticket.avoid = avoid_;
  if (!queue_)
    return on_refused({runtime::error_category::unavailable, "actor_down", "service", {}});
  auto& process = node_;
  const auto mine = id();
  const auto patience = ticket.patience + queue_slack;
  node_.on().ask<actors::dispatch>(
      queue_, patience,
      [&process, mine](const actors::dispatch& to) {
        auto* x = process.find_exchange(mine);
        process.in().book().require(x != nullptr, "whoever waits for a place is there to take it",
                                    "exchange " + std::to_string(mine));
        x->dispatched(to);
      },
      [&process, mine](const runtime::error& e) {
        if (auto* x = process.find_exchange(mine)) x->on_refused(e);
      },
      actors::submit_atom_v, ticket);
}

void node_exchange::look_up_queue() {
  if (user_left_) return finish("user_gone");
  const auto& queues = node_.routing()->queues;
  if (const auto next = queues.find(application_->group); next != queues.end())
    queue_ = next->second;
  ask_for_place();
}

void node_exchange::on_refused(const runtime::error& why) {
  if (!user_left_ && may_wait(why, finding_)) return pause_then(&node_exchange::look_up_queue);
  check_refusal(why.cause);
  finish(user_left_ ? "user_gone" : why.cause);
}

// -- what has crashed -----------------------------------------------------------------------------

bool node_exchange::may_wait(const runtime::error& why, questions& step) const {
  if (actors::is_crash(why.cause)) node_.in().book().met_crash(id(), step.asked, node_.draining());
  return step.patience.allows(why, step.asked, node_.on().now()) && !node_.draining();
}

void node_exchange::pause_then(void (node_exchange::*again)()) {
  node_.on().after(actors::pause_between_attempts, [&process = node_, mine = id(), again] {
    if (auto* x = process.find_exchange(mine)) (x->*again)();
  });
}

void node_exchange::check_crash(const std::string& outcome) const {
  // Nobody is told of a crash by a node where everything has been running for a while.
  if (!actors::is_crash(outcome) || node_.draining()) return;
  const auto since = node_.whole_since();
  node_.in().book().require(!since || node_.on().now() - *since < whole_at_once,
                            "who meets an actor that has crashed gets its next one",
                            "exchange " + std::to_string(id()) + ": " + outcome);
}

void node_exchange::dispatched(const actors::dispatch& to) {
  dispatch_ = to;
  dispatched_ = true;
  node_.in().book().note("place for " + std::to_string(id()) + " on tunnel " +
                         std::to_string(to.tunnel.number));
  if (user_left_) {
    leave_stream(actors::exchange_outcome::user_gone);
    return finish("user_gone");
  }
  state_ = state::requested;
  dispatched_at_ = node_.on().now();
  failover_.begin_attempt();
  auto& book = node_.in().book();
  node_.in().dispatched(node_, to.connector);
  request_head head;
  head.stream = stream_ = node_.in().next_stream();
  head.exchange = id();
  head.how = request_.how;
  head.application = request_.application;
  head.fields = node_.in().translated(request_.session, *application_, method_name(request_.how),
                                      request_.how == method::upload);
  book.assigned(id(), stream_, dispatch_.connector);
  tunnel_ = node_.find_tunnel(to.tunnel.number);
  if (!tunnel_ || !tunnel_->submit(*this, head, !guarded_)) on_stream_end(stream_end::refused);
}

void node_exchange::on_started() {
  failover_.origin_started();
  node_.in().book().announced(id());
}

void node_exchange::on_window() {
  if (state_ != state::requested || !guarded_) return;
  guarded_ = false;
  failover_.hand_over(request_.how == method::upload);
  node_.in().book().handed_over(id());
  tunnel_->hand_over(stream_);
}

// -- how it ends ----------------------------------------------------------------------------------

void node_exchange::on_response(const std::string& cause) {
  delay_ = std::chrono::duration_cast<milliseconds>(node_.on().now() - dispatched_at_);
  if (cause.empty()) failover_.response_begun();
  leave_stream(cause.empty() ? actors::exchange_outcome::completed
                             : actors::exchange_outcome::origin_failed);
  finish(cause.empty() ? "served" : cause);
}

void node_exchange::on_stream_end(stream_end how) {
  if (state_ != state::requested) return;
  if (how == stream_end::refused) failover_.refused();
  node_.in().book().taken_away(id(), how == stream_end::refused);
  lose_connector();
}

void node_exchange::on_silent() {
  if (state_ != state::requested || !failover_.may_move()) return;
  node_.in().book().taken_away(id(), false);
  lose_connector();
}

void node_exchange::lose_connector() {
  avoid_ = dispatch_.connector;
  leave_stream(actors::exchange_outcome::connector_lost);
  if (failover_.may_move()) return queue();
  finish("connector_lost");
}

void node_exchange::user_gone() {
  if (state_ == state::over) return;
  if (state_ == state::requested) {
    leave_stream(actors::exchange_outcome::user_gone);
    return finish("user_gone");
  }
  user_left_ = true;
  stop_waiting();
}

void node_exchange::stop_waiting() {
  if (state_ != state::queued) return;
  node_.on().run_errand([q = queue_, t = ticket_](caf::event_based_actor* me) {
    me->send(q, actors::cancel_atom_v, t);
  });
}

void node_exchange::leave_stream(actors::exchange_outcome how) {
  if (auto t = std::exchange(tunnel_, nullptr)) t->reset(stream_);
  if (!std::exchange(dispatched_, false)) return;
  node_.in().book().note("place of " + std::to_string(id()) + " given back");
  node_.on().run_errand(
      [q = queue_, t = dispatch_.tunnel, how, d = delay_](caf::event_based_actor* me) {
        me->send(q, actors::release_atom_v, t, how, d);
      });
}

void node_exchange::check_refusal(const std::string& cause) const {
  // Nobody is turned away for want of a connector while one has had room for a while.
  if (cause != "no_connector" && cause != "queue_timeout" && cause != "queue_overload") return;
  const auto who = "exchange " + std::to_string(id()) + ": " + cause;
  node_.in().book().require(!node_.has_room_for(application_->group),
                            "who waits gets the room that there is", who);
  if (cause != "no_connector" || node_.on().now() - queued_at_ < call_over_time) return;
  node_.in().book().require(!node_.in().could_be_called_over(node_, application_->group),
                            "who waits at a node without connectors gets one from another node",
                            who);
}

void node_exchange::finish(const std::string& outcome) {
  state_ = state::over;
  check_crash(outcome);
  if (request_.session && outcome.starts_with("session_"))
    node_.in().told_to_sign_in(*request_.session, outcome);
  node_.in().book().ended(id(), outcome);
  node_.remove_exchange(id());
}

}  // namespace postern::simulation
