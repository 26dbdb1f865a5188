// The users of the world and the origins that they want to reach.
#include "actors/timeouts.hpp"
#include "edge/session_cookie.hpp"
#include "tests/simulation/world.hpp"

#include <boost/json.hpp>

namespace postern::simulation {

namespace {

constexpr const char* issuer_name = "https://sts.example.com";

/// The places on tunnels of a group at a node where nothing runs; 0: somebody else has counted.
size_t free_places(const node_process& at, const std::string& group, const world& in) {
  size_t places = 0;
  for (const auto& [number, t] : at.tunnels()) {
    if (in.group_of(t->info().connector) != group || !t->settled()) continue;
    if (!t->counted()) return 0;
    places += t->info().capacity;
  }
  return places;
}

}  // namespace

// -- users ----------------------------------------------------------------------------------------

world::node_place* world::open_node() {
  // A user's browser tries another address where nobody listens, but waits where nobody answers.
  std::vector<node_place*> open;
  for (auto& n : nodes_)
    if (n.on->listens(machine::door::service)) open.push_back(&n);
  return open.empty() ? nullptr : open[dice_.below(open.size())];
}

void world::keep_asking(actor_time until) {
  const auto gap = std::chrono::microseconds{dice_.below(2'000 * gap_.count() + 1)};
  if (time_.now() + gap >= until) return;
  time_.after(gap, [this, until] {
    ask_something();
    keep_asking(until);
  });
}

void world::ask_something() {
  const auto user = dice_.below(users_.size());
  const auto& application = applications_[dice_.below(applications_.size())];
  const auto kind = dice_.below(10);
  const auto how = kind < 5 ? method::get : kind < 8 ? method::post : method::upload;
  auto* at = open_node();
  if (scenario_.random && dice_.below(100) == 0) {
    // A burst: more than all tunnels take at once.
    for (unsigned i = 0; i < 8 * scenario_.capacity; ++i)
      request(user, application, how, at);
    return;
  }
  const auto id = request(user, application, how, at);
  if (id != 0 && dice_.below(20) == 0)
    time_.after(std::chrono::milliseconds{dice_.below(4'000)},
                [id, at] { at->on->receive([id, at] { at->process->user_gone(id); }); });
}

uint64_t world::request(size_t user, const std::string& application, method how, node_place* at) {
  if (at == nullptr || !at->on->listens(machine::door::service)) return 0;
  auto& on = *at->on;
  user_request r;
  r.id = ++requests_;
  r.how = how;
  r.application = application;
  if (published_.at(application).preauthentication == config::preauthentication_kind::oidc) {
    auto& sessions = users_[user].sessions;
    const auto i = sessions.find(application);
    if (i == sessions.end() ||
        i->second.expires_at <= runtime::to_unix_seconds(on.calendar().now()) + 60) {
      sign_in(user, application,
              [this, user, application, how] { request(user, application, how, open_node()); });
      return 0;
    }
    r.session = i->second;
  }
  return send(std::move(r), *at);
}

uint64_t world::send(user_request r, node_place& at) {
  const auto id = r.id;
  const auto generation = at.on->generation();
  at.on->receive([&at, generation, r = std::move(r)]() mutable {
    if (at.on->generation() == generation) at.process->serve(std::move(r));
  });
  return id;
}

void world::try_revoked_sessions() {
  for (const auto& [id, session] : revoked_sessions_)
    for (auto& n : nodes_)
      if (n.on->listens(machine::door::service))
        send({.id = ++requests_,
              .how = method::get,
              .application = session.application,
              .session = session},
             n);
}

void world::sign_in(size_t user, const std::string& application, action then) {
  auto* at = open_node();
  if (at == nullptr) return;
  auto& on = *at->on;
  const auto now = runtime::to_unix_seconds(on.calendar().now());
  const auto nonce = std::to_string(++nonces_);
  const auto& name = users_[user].name;
  const boost::json::object claims{{"iss", issuer_name},
                                   {"sub", name},
                                   {"aud", application},
                                   {"exp", now + 3'600},
                                   {"iat", now},
                                   {"auth_time", now},
                                   {"nonce", nonce},
                                   {"preferred_username", name},
                                   {"groups", boost::json::array{"staff"}}};
  actors::token_expectation wanted;
  wanted.token = *issuer_.sign(claims, "JWT");
  wanted.issuer = issuer_name;
  wanted.audience = application;
  wanted.nonce = nonce;
  on.receive([this, at, user, application, wanted, then] {
    auto& n = *at->process;
    if (!n.handles()) return;
    n.on().ask<actors::verified_token>(
        n.handles()->tokens, actors::verify_timeout,
        [this, user, application, then](const actors::verified_token& t) {
          actors::access_session s;
          s.id = dice_.hex(16);
          s.application = application;
          s.user = t.user;
          s.issued_at = s.authenticated_at = t.authenticated_at;
          s.expires_at = t.expires_at;
          book_.note("sign-in of " + t.user.name + " to " + application);
          users_[user].sessions[application] = std::move(s);
          then();
        },
        [this](const runtime::error& e) { book_.note("sign-in fails: " + e.cause); },
        actors::verify_atom_v, wanted);
  });
}

void world::told_to_sign_in(const actors::access_session& over, const std::string& why) {
  book_.require(why != "session_revoked" || revoked_sessions_.contains(over.id),
                "nobody is signed out who was not revoked", over.id);
  time_.after(std::chrono::seconds{1}, [this, over] {
    for (auto& user : users_) {
      const auto mine = user.sessions.find(over.application);
      if (mine != user.sessions.end() && mine->second.id == over.id) user.sessions.erase(mine);
    }
  });
}

void world::probe_all(duration bound) {
  try_revoked_sessions();
  for (auto& n : nodes_)
    for (const auto& application : applications_)
      probe(n, application, time_.now() + bound);
  // Every place there is can be had.
  auto& n = nodes_[dice_.below(nodes_.size())];
  const auto& published = *n.process->routing()->published;
  const auto* open = published.find_application(dice_.below(2) == 0 ? "open-a" : "open-b");
  if (!n.process->idle()) return;
  std::vector<uint64_t> asked(free_places(*n.process, open->group, *this));
  for (auto& id : asked)
    id = request(0, open->name, method::get, &n);
  run_for(std::chrono::milliseconds{50});
  for (const auto id : asked)
    book_.require(book_.at(id).attempts > 0, "who comes gets the room that there is",
                  "exchange " + std::to_string(id) + " at " + n.on->name());
}

void world::probe(node_place& n, const std::string& application, actor_time end) {
  for (bool served = false; !served;) {
    book_.require(time_.now() < end, "everything is served again after the last fault",
                  application + " at " + n.on->name());
    const auto id = request(0, application, method::get, &n);
    wait_for(std::chrono::seconds{5},
             [&] { return id == 0 || (book_.all().contains(id) && book_.at(id).ended); });
    if (id == 0) run_for(std::chrono::milliseconds{500});
    served = id != 0 && book_.all().contains(id) && book_.at(id).outcome == "served";
  }
}

// -- the issuer and the origins -------------------------------------------------------------------

std::string world::issuer_keys() const {
  return boost::json::serialize(
      boost::json::object{{"keys", boost::json::array{issuer_.public_jwk()}}});
}

std::vector<std::pair<std::string, std::string>> world::translated(
    const std::optional<actors::access_session>& session, const config::application& to,
    const char* method, bool has_content) {
  const auto urls = edge::split_application_urls(to);
  const auto cookie =
      session ? edge::session_cookie_name(to) + "=" + session->id + "; theme=dark" : "theme=dark";
  runtime::field_list fields{{"Host", urls.external_authority}, {"Cookie", cookie}};
  edge::checked_request request;
  request.method = method;
  request.host = request.authority = urls.external_authority;
  request.target = request.path = "/";
  request.has_content = has_content;
  edge::translated_request out;
  edge::translate_request(out, request, fields, to, urls,
                          {"192.0.2.1", "r", session ? &session->user : nullptr});
  std::vector<std::pair<std::string, std::string>> owned;
  for (const auto& f : out.fields())
    owned.emplace_back(f.name, f.value);
  return owned;
}

void world::check_request(connector_process& at, const request_head& head) {
  const auto& session = book_.at(head.exchange).session;
  bool guarded = false;
  for (const auto& [name, value] : head.fields) {
    book_.require(session.empty() || value.find(session) == std::string::npos,
                  "the cookie never leaves the node", at.on().name() + " got it in " + name);
    guarded = guarded || name == "postern-content";
  }
  book_.require(guarded == (head.how == method::post),
                "what must not be repeated and has no content is fenced", at.on().name());
}

void world::origin_gets(connector_process& by, const request_head& head,
                        std::function<void(const std::string&)> answer) {
  auto& on = by.on();
  book_.delivered(head.exchange, head.stream, on.name(), on.stalled_until());
  const auto slow = dice_.below(20) == 0;
  const auto service = std::chrono::milliseconds{slow ? dice_.below(3'000) : 2 + dice_.below(40)};
  const std::string cause = dice_.below(50) == 0 && scenario_.random ? "origin_closed" : "";
  time_.after(service, [&on, generation = on.generation(), answer, cause] {
    if (on.generation() == generation) on.receive([answer, cause] { answer(cause); });
  });
}

}  // namespace postern::simulation
