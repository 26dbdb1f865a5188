// What administrators and operators do, and from when on it has to be in force.
#include "actors/timeouts.hpp"
#include "tests/simulation/world.hpp"

namespace postern::simulation {

namespace {

constexpr std::chrono::milliseconds look_every{250};
/// A node that has been in touch with the store for less may have looked it up in vain before.
constexpr std::chrono::seconds settled_touch{2};

std::string name_of_version(uint64_t version) {
  return "version " + std::to_string(version);
}

}  // namespace

node_process* world::some_node() {
  std::vector<node_process*> able;
  for (auto& n : nodes_)
    if (n.process && n.process->whole_since() && !n.process->leaving())
      able.push_back(n.process.get());
  return able.empty() ? nullptr : able[dice_.below(able.size())];
}

// -- publishing -----------------------------------------------------------------------------------

void world::publish() {
  actors::change_request change;
  change.by = "admin";
  for (const auto* group : {"a", "b"}) {
    change.groups.push_back({group});
    for (const auto* kind : {"guarded", "open"}) {
      config::application a;
      a.name = std::string{kind} + '-' + group;
      a.external_url = "https://" + a.name + ".example.com/";
      a.internal_url = "http://" + a.name + ".internal/";
      a.group = group;
      a.response_timeout = std::chrono::seconds{8 + dice_.below(8)};
      a.preauthentication = *kind == 'o' ? config::preauthentication_kind::passthrough
                                         : config::preauthentication_kind::oidc;
      if (*kind == 'g') a.assigned = {"group:staff"};
      applications_.push_back(a.name);
      published_[a.name] = a;
      change.applications.push_back(std::move(a));
    }
  }
  auto& at = *some_node();
  at.on().ask<actors::change_report>(
      at.handles()->configuration, actors::durable_timeout,
      [&](const actors::change_report& r) { versions_.insert(r.version); },
      [&](const runtime::error& e) { book_.fail("a change is accepted", runtime::to_string(e)); },
      actors::apply_atom_v, change);
  const auto in_force = [this] {
    return !versions_.empty() && std::all_of(nodes_.begin(), nodes_.end(), [this](auto& n) {
      return n.process->routing()->published->version >= *versions_.rbegin();
    });
  };
  book_.require(wait_for(in_force_within, in_force), "a change is in force at every node in time",
                "publish");
}

void world::change_something() {
  // Administrators do not wait for each other.
  do {
    publish_change();
  } while (dice_.below(3) == 0);
}

void world::publish_change() {
  auto* at = some_node();
  if (at == nullptr) return;
  auto a = published_[applications_[dice_.below(applications_.size())]];
  a.response_timeout = std::chrono::milliseconds{8'000 + dice_.below(8'000)};
  if (dice_.below(4) == 0) a.group = a.group == "a" ? "b" : "a";
  published_[a.name] = a;
  actors::change_request change;
  change.by = "admin";
  change.applications.push_back(a);
  const auto node = at->on().name();
  book_.note("a change of " + a.name + " is published at " + node);
  at->on().ask<actors::change_report>(
      at->handles()->configuration, actors::durable_timeout,
      [this, a, node](const actors::change_report& r) {
        // What is published already, by chance, makes no version.
        if (r.changes.empty()) return;
        book_.note("version " + std::to_string(r.version) + " is published");
        versions_.insert(r.version);
        decisions_.made(name_of_version(r.version), node, time_.now());
        auto& known = acknowledged_[a.name];
        book_.require(known.version != r.version, "a version is published once",
                      std::to_string(r.version));
        if (known.version < r.version) known = {r.version, a};
      },
      [this, name = a.name](const runtime::error& e) {
        book_.note("the change of " + name + " fails: " + e.cause);
        doubtful_.insert(name);
      },
      actors::apply_atom_v, change);
}

void world::check_published() {
  const auto& first = *nodes_[0].process->routing()->published;
  for (const auto& [name, a] : acknowledged_) {
    if (doubtful_.contains(name)) continue;
    const auto* found = first.find_application(name);
    book_.require(found != nullptr && found->response_timeout == a.content.response_timeout &&
                      found->group == a.content.group,
                  "what was acknowledged last is published", name);
  }
  for (const auto& n : nodes_) {
    const auto& mine = *n.process->routing()->published;
    book_.require(mine.version == first.version && mine.applications == first.applications,
                  "one version means the same at every node", n.on->name());
  }
}

// -- revoking -------------------------------------------------------------------------------------

void world::revoke_some_session() {
  auto& user = users_[dice_.below(users_.size())];
  auto* at = some_node();
  if (user.sessions.empty() || at == nullptr) return;
  auto i = user.sessions.begin();
  std::advance(i, dice_.below(user.sessions.size()));
  const auto id = i->second.id;
  revoked_sessions_.emplace(id, i->second);
  at->on().ask<uint64_t>(
      at->handles()->sessions, actors::durable_timeout,
      [this, id, node = at->on().name()](uint64_t) {
        book_.note("session " + id + " is revoked at " + node);
        decisions_.made("session " + id, node, time_.now());
      },
      [this](const runtime::error& e) { book_.note("revocation fails: " + e.cause); },
      actors::revoke_atom_v, actors::session_selector{.id = id});
}

void world::revoke_connector(connector_place& c) {
  auto* at = some_node();
  if (at == nullptr || c.identity.id.empty() || std::exchange(c.revoked, true)) return;
  const auto id = c.identity.id;
  // However that ends, its operator enrols it again.
  const auto again = [this, &c] {
    time_.after(std::chrono::milliseconds{1'500 + dice_.below(4'000)},
                [this, &c] { enrol_again(c); });
  };
  at->on().ask_void(
      at->handles()->connectors, actors::durable_timeout,
      [this, id, again, node = at->on().name()] {
        book_.note("connector " + id + " is revoked at " + node);
        decisions_.made("connector " + id, node, time_.now());
        again();
      },
      [this, again](const runtime::error& e) {
        book_.note("revocation fails: " + e.cause);
        again();
      },
      actors::revoke_atom_v, id, std::string{"admin"});
  // The node may die before it answers.
  time_.after(actors::durable_timeout, [this, &c, id] {
    if (c.revoked && c.identity.id == id) enrol_again(c);
  });
}

// -- enrolling ------------------------------------------------------------------------------------

void world::enrol(connector_place& c, action then) {
  auto* at = some_node();
  const auto later = [this, &c, then] {
    time_.after(std::chrono::milliseconds{500}, [this, &c, then] { enrol(c, then); });
  };
  if (at == nullptr) return later();
  actors::enrolment_request r;
  r.csr_der = runtime::make_certificate_request(connector_key_, c.on->name());
  r.group = c.identity.group;
  r.administrator = "admin";
  const auto answered = std::make_shared<bool>(false);
  at->on().ask<actors::issued_certificate>(
      at->handles()->authority, actors::certificate_timeout,
      [this, &c, then, answered](const actors::issued_certificate& made) {
        if (std::exchange(*answered, true)) return;
        c.identity.id = made.connector;
        c.identity.certificate_pem = made.certificate_pem;
        groups_[made.connector] = c.identity.group;
        then();
      },
      [this, later, answered](const runtime::error& e) {
        book_.note("enrolment fails: " + e.cause);
        if (!std::exchange(*answered, true)) later();
      },
      actors::sign_atom_v, r);
  // The node may die before it answers.
  time_.after(actors::certificate_timeout, [later, answered] {
    if (!std::exchange(*answered, true)) later();
  });
}

void world::enrol_again(connector_place& c) {
  if (!c.revoked || c.enrolling) return;
  c.enrolling = true;
  kill_connector(c);
  enrol(c, [this, &c] {
    c.revoked = c.enrolling = false;
    book_.note(c.on->name() + " is enrolled again");
    start_connector(c);
  });
}

// -- what has to be in force ----------------------------------------------------------------------

void world::authorized(const node_process& at, uint64_t exchange) {
  const auto& r = book_.at(exchange);
  book_.require(
      r.session.empty() || !decisions_.in_force("session " + r.session, at.on().name(),
                                                at.in_touch_since(), r.accepted),
      "a revoked session authorizes nothing",
      "exchange " + std::to_string(exchange) + " of session " + r.session + " at " + r.node);
  book_.authorized(exchange);
}

void world::dispatched(const node_process& at, const std::string& connector) {
  book_.require(!decisions_.in_force("connector " + connector, at.on().name(), at.in_touch_since(),
                                     time_.now()),
                "a revoked connector gets nothing", connector + " at " + at.on().name());
}

void world::watch_decisions() {
  if (over_) return;
  check_decisions();
  time_.after(look_every, [this] { watch_decisions(); });
}

void world::check_decisions() {
  for (const auto& n : nodes_) {
    if (!n.process || !n.on->running()) continue;
    const auto touch = n.process->in_touch_since();
    if (!touch || time_.now() - *touch < look_every) continue;
    const auto holds = [&](const std::string& what) {
      return decisions_.in_force(what, n.on->name(), touch, time_.now());
    };
    for (const auto v : versions_)
      book_.require(!holds(name_of_version(v)) || n.process->routing()->published->version >= v,
                    "a change is in force at every node in time",
                    name_of_version(v) + " at " + n.on->name());
    for (const auto& [number, t] : n.process->tunnels())
      book_.require(!t->attached() || !holds("connector " + t->info().connector),
                    "a revoked connector is cut at every node in time",
                    t->info().address + " at " + n.on->name());
  }
}

void world::pull_failed(connector_process& of, const runtime::error& why,
                        std::optional<actor_time> touch) {
  book_.note(of.on().name() + " cannot pull: " + why.cause);
  const auto* place = connector_on(of.on());
  // What a node cannot look up it refuses; and what is revoked.
  if (place->revoked || !touch || time_.now() - *touch < settled_touch) return;
  book_.require(why.cause != "certificate_unknown" && why.cause != "connector_revoked" &&
                    why.cause != "connector_unknown",
                "an enrolled connector is never refused", of.on().name() + ": " + why.cause);
}

void world::renewed(connector_process& of) {
  ++renewals_;
  book_.note(of.on().name() + " has renewed its certificate");
}

}  // namespace postern::simulation
