#include "edge/exchange.hpp"

#include "edge/cookies.hpp"
#include "edge/node_load.hpp"
#include "edge/restarts.hpp"
#include "edge/tunnel.hpp"
#include "runtime/limits.hpp"

#include <array>
#include <charconv>

namespace postern::edge {

namespace limits = runtime::limits;
using actors::exchange_outcome;
using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::result;

namespace {

// The queue answers by itself when the patience ends; this much later it is taken for dead.
constexpr std::chrono::milliseconds queue_slack{2'000};

struct origin_cause {
  std::string_view name;
  error_category category;
  const char* source;
};

/// What a connector may say in `postern-error` (docs/tunnel-protocol.md, 8).
constexpr std::array<origin_cause, 10> origin_causes{
    {{"origin_refused", error_category::bad_gateway, "origin"},
     {"origin_unresolved", error_category::bad_gateway, "origin"},
     {"origin_timeout", error_category::timeout, "origin"},
     {"origin_certificate", error_category::bad_gateway, "origin"},
     {"origin_tls", error_category::bad_gateway, "origin"},
     {"origin_client_certificate", error_category::bad_gateway, "origin"},
     {"origin_protocol", error_category::bad_gateway, "origin"},
     {"origin_malformed", error_category::bad_gateway, "origin"},
     {"origin_closed", error_category::bad_gateway, "origin"},
     {"application_unknown", error_category::unavailable, "connector"}}};

error user_gone_error() {
  return {error_category::invalid_input, "user_gone", "request", "the user ended the connection"};
}

unsigned parse_status(std::string_view text) {
  unsigned status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status;
}

}  // namespace

exchange::exchange(edge_context& context, user_stream& user) : context_(context), user_(user) {}

exchange::~exchange() {
  if (stream_) leave_stream(exchange_outcome::user_gone);
}

void exchange::enter(state next) {
  runtime::ensure(
      next > state_ || next == state::idle || (state_ == state::failed && next == state::queued),
      "an exchange goes forward, or begins again");
  state_ = next;
}

void exchange::reset() {
  enter(state::idle);
  quiet_.disarm();
  failure_ = {};
  wants_content_ = false;
  content_bytes_ = progress_ = progress_seen_ = 0;
  unsent_ = 0;
  avoid_.clear();
  status_ = 0;
  failover_ = actors::failover{};
  head_sent_ = guarded_ = watch_user_ = moving_ = said_farewell_ = false;
  farewell_ = stream_farewell{};
}

bool exchange::may_retry() const noexcept {
  return state_ == state::failed && failure_.cause == "connector_lost" && failover_.may_move();
}

awaitable<result<void>> exchange::start(exchange_request request) {
  request_ = request;
  const auto now = std::chrono::steady_clock::now();
  if (state_ == state::idle) {
    failover_ = actors::failover{request.idempotent || request.websocket};
    began_at_ = now;
  }
  enter(state::queued);
  failure_ = {};
  guarded_ = !request.has_content && !request.websocket && !request.idempotent;
  watch_user_ = user_left_ = false;
  // What a leaving connector said is over with it.
  moving_ = context_.load->draining.load(std::memory_order_relaxed);
  arm_quiet(limits::abort_watch_delay);
  auto assigned = co_await find_connector();
  quiet_.disarm();
  if (assigned) {
    dispatch_ = std::move(*assigned);
    dispatched_ = true;
  }
  if (!assigned || user_left_) {
    // A dispatch that crossed the cancellation still has to be given back.
    leave_stream(exchange_outcome::user_gone);
    failure_ = user_left_ ? user_gone_error() : assigned.error();
    enter(state::failed);
    co_return failure_;
  }
  watch_user_ = false;
  dispatched_at_ = std::chrono::steady_clock::now();
  failover_.begin_attempt();
  enter(state::requested);
  if (dispatch_.tunnel.shard == context_.home.index()) {
    if (auto on = context_.tunnels->find(dispatch_.tunnel.number))
      stream_ = open_local_stream(on, *this);
  } else {
    stream_ = open_remote_stream(context_, *context_.shards[dispatch_.tunnel.shard],
                                 dispatch_.tunnel.number, *this);
  }
  if (stream_ == nullptr) {
    on_stream_closed(NGHTTP2_REFUSED_STREAM);
    co_return result<void>{};
  }
  stream_->submit(*request_.fields, !request_.has_content && !request_.websocket && !guarded_);
  if (guarded_ && stream_ != nullptr && stream_->room() > 0) hand_over_end();
  if (!ended()) arm_quiet(limits::abort_watch_delay);
  co_return result<void>{};
}

actors::exchange_ticket exchange::make_ticket(std::chrono::steady_clock::time_point now) {
  const auto& application = *request_.to->application;
  // One patience for all attempts together.
  const auto patience =
      std::max(application.response_timeout -
                   std::chrono::duration_cast<std::chrono::milliseconds>(now - began_at_),
               std::chrono::milliseconds::zero());
  ticket_ = context_.load->next_exchange.fetch_add(1, std::memory_order_relaxed);
  return {ticket_, application.name, context_.home.index(), patience, now, avoid_};
}

awaitable<result<actors::dispatch>> exchange::find_connector() {
  queue_ = request_.to->queue;
  restart_wait next{context_};
  for (;;) {
    auto ticket = make_ticket(next.asking());
    const auto timeout = ticket.patience + queue_slack;
    auto assigned = co_await context_.port->ask<actors::dispatch>(
        queue_, timeout, actors::submit_atom_v, std::move(ticket));
    if (assigned || user_left_ || !next.allows(assigned.error())) co_return assigned;
    co_await next.pause();
    if (user_left_) co_return assigned;
    const auto& queues = context_.routing->queues;
    if (const auto q = queues.find(request_.to->application->group); q != queues.end())
      queue_ = q->second;
  }
}

void exchange::arm_quiet(std::chrono::milliseconds after) {
  context_.home.timers().arm(
      quiet_, after, [](void* raw) { static_cast<exchange*>(raw)->on_quiet(); }, this);
}

void exchange::on_quiet() {
  const auto idle = request_.to->application->idle_timeout;
  if (!watch_user_ || state_ == state::queued) {
    watch_user_ = true;
    arm_quiet(idle);
    user_.wake();
    return;
  }
  // Before the head the connector's own timeouts count; afterwards silence both ways ends the
  // exchange.
  if (head_sent_ && progress_ == progress_seen_) {
    fail({error_category::timeout, "idle_timeout", "origin", "no byte either way"},
         exchange_outcome::origin_failed);
    return;
  }
  progress_seen_ = progress_;
  arm_quiet(idle);
}

size_t exchange::content_room() {
  if (stream_ == nullptr || (state_ != state::requested && state_ != state::responding)) return 0;
  const auto room = stream_->room();
  wants_content_ = room > 0;
  return room;
}

void exchange::content(std::string_view piece) {
  if (stream_ == nullptr) return;
  failover_.hand_over(true);
  progress_ += piece.size();
  stream_->write(piece);
}

void exchange::content_end(std::vector<std::pair<std::string, std::string>> trailers) {
  if (stream_ == nullptr) return;
  wants_content_ = false;
  failover_.hand_over(true);
  stream_->finish(std::move(trailers));
}

void exchange::on_request_room() {
  if (guarded_)
    hand_over_end();
  else
    user_.wake();
}

void exchange::hand_over_end() {
  if (stream_ == nullptr || state_ != state::requested) return;
  guarded_ = false;
  failover_.hand_over(false);
  stream_->finish({});
}

void exchange::user_gone() {
  if (ended() || state_ == state::idle) return;
  if (state_ == state::queued) {
    user_left_ = true;
    context_.port->tell(queue_, actors::cancel_atom_v, ticket_);
    return;
  }
  failure_ = user_gone_error();
  leave_stream(exchange_outcome::user_gone);
  enter(state::failed);
  quiet_.disarm();
  user_.wake();
}

void exchange::stop_waiting() {
  if (state_ == state::queued) context_.port->tell(queue_, actors::cancel_atom_v, ticket_);
}

void exchange::on_sent(size_t bytes) {
  ++progress_;
  const auto n = std::min(bytes, unsent_);
  unsent_ -= n;
  if (stream_ && n > 0) stream_->consumed(n);
}

void exchange::on_response_interim(const runtime::field_list& fields) {
  const auto status = parse_status(runtime::field_value(fields, ":status"));
  if (runtime::field_value(fields, "postern-origin") == "started") {
    failover_.origin_started();
    return;
  }
  response_.clear();
  for (const auto& f : fields)
    if (!is_dropped_response_field(f.name)) response_.push_back(f);
  user_.send_interim(status, response_);
}

void exchange::translate_response(const runtime::field_list& fields) {
  response_.clear();
  response_text_.clear();
  const auto& urls = request_.to->urls;
  const bool translate = request_.to->application->translate_host_header;
  for (const auto& f : fields) {
    if (is_dropped_response_field(f.name)) continue;
    if (!translate) {
      // The origin knows its external name and speaks of it itself; only our own cookies stay
      // protected.
      if (f.name != "set-cookie" || !sets_own_cookie(f.value)) response_.push_back(f);
    } else if (f.name == "location" || f.name == "content-location" || f.name == "refresh") {
      response_.push_back({f.name, response_text_.emplace_back(translate_location(f.value, urls))});
    } else if (f.name == "set-cookie") {
      auto cookie = translate_set_cookie(f.value, urls);
      if (!cookie.empty())
        response_.push_back({f.name, response_text_.emplace_back(std::move(cookie))});
    } else {
      response_.push_back(f);
    }
  }
}

error exchange::connector_error(std::string_view cause) const {
  for (const auto& known : origin_causes)
    if (known.name == cause)
      return {known.category, std::string{cause}, known.source,
              "told by connector " + dispatch_.connector};
  return {error_category::bad_gateway, "origin_malformed", "origin",
          "the connector says: " + std::string{cause}};
}

void exchange::on_response_head(const runtime::field_list& fields, bool ended) {
  response_delay_ = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - dispatched_at_);
  if (const auto cause = runtime::field_value(fields, "postern-error"); !cause.empty()) {
    fail(connector_error(cause), exchange_outcome::origin_failed);
    return;
  }
  status_ = parse_status(runtime::field_value(fields, ":status"));
  translate_response(fields);
  enter(state::responding);
  head_sent_ = true;
  failover_.response_begun();
  ++progress_;
  if (request_.websocket && status_ == 200) {
    status_ = 101;
    farewell_.begin(stream_kind::websocket);
    user_.send_upgrade(response_);
  } else {
    farewell_.begin(stream_kind_of(response_));
    user_.send_head(status_, response_, ended);
    if (ended) return complete();
  }
  if (moving_ && farewell_.at_boundary()) say_farewell();
}

void exchange::on_response_content(std::string_view piece) {
  content_bytes_ += piece.size();
  progress_ += piece.size();
  if (farewell_.kind() != stream_kind::other) return pass_on(piece);
  unsent_ += piece.size();
  user_.send_content(piece);
}

void exchange::on_response_trailers(const runtime::field_list& fields) {
  trailers_.clear();
  for (const auto& f : fields)
    if (!is_dropped_response_field(f.name)) trailers_.emplace_back(f.name, f.value);
}

void exchange::on_response_end() {
  runtime::field_list trailers;
  for (const auto& [name, value] : trailers_)
    trailers.push_back({name, value});
  user_.send_end(trailers);
  trailers_.clear();
  complete();
}

void exchange::complete() {
  if (ended()) return;
  // The request's content may still be on its way (early response): resetting the stream tells the
  // connector to stop it.
  leave_stream(exchange_outcome::completed);
  enter(state::completed);
  quiet_.disarm();
  user_.wake();
}

void exchange::fail(error why, exchange_outcome outcome) {
  if (ended()) return;
  failure_ = std::move(why);
  leave_stream(outcome);
  enter(state::failed);
  quiet_.disarm();
  if (head_sent_) user_.send_abort();
  user_.wake();
}

void exchange::on_stream_closed(uint32_t code) {
  if (ended()) {
    stream_ = nullptr;
    return;
  }
  const auto refused = code == NGHTTP2_REFUSED_STREAM;
  if (refused) failover_.refused();
  if (code == runtime::connection_lost || refused)
    lose_connector();
  else
    fail({error_category::bad_gateway, "origin_closed", "origin",
          "stream code " + std::to_string(code)},
         exchange_outcome::origin_failed);
}

void exchange::on_connector_silent() {
  // What cannot go elsewhere waits: the connector may come back with the response.
  if (!ended() && failover_.may_move()) lose_connector();
}

void exchange::lose_connector() {
  avoid_ = dispatch_.connector;
  fail({error_category::bad_gateway, "connector_lost", "connector",
        "connector " + dispatch_.connector},
       exchange_outcome::connector_lost);
}

void exchange::leave_stream(exchange_outcome outcome) {
  if (auto* stream = std::exchange(stream_, nullptr)) stream->release();
  if (!std::exchange(dispatched_, false)) return;
  context_.port->tell(queue_, actors::release_atom_v, dispatch_.tunnel, outcome, response_delay_);
}

}  // namespace postern::edge
