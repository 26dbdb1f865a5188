#pragma once
// The built-in OpenID Connect provider. edge/ owns one object of it and calls handle() from the
// blocking pool for every request to the STS's host name. No sockets, no threads, no timers in
// here.

#include "config/users.hpp"
#include "runtime/error.hpp"
#include "runtime/http_message.hpp"
#include "runtime/key_ring.hpp"
#include "runtime/random_source.hpp"
#include "runtime/store.hpp"
#include "runtime/wall_clock.hpp"
#include "sts/clients.hpp"
#include "sts/options.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::sts {

/// Signs users in and tells applications who they are: discovery, JWKS, authorization code with
/// PKCE, device grant, userinfo, end of session. Its rules live in the endpoints; this class
/// routes.
///
/// Safe to use from any thread. What must outlive the process is in the store (signing keys) or
/// sealed with the user (sessions, forms); memory holds only what may be forgotten, and all of it
/// bounded.
class provider {
 public:
  /// `sealing` seals cookies, forms, codes and signing keys; every key in it opens. `store`,
  /// `clock` and `random` must outlive the object.
  provider(options settings, std::vector<config::user> users, runtime::store& store,
           const std::shared_ptr<const runtime::key_ring>& sealing,
           const runtime::wall_clock& clock, runtime::random_source& random);
  ~provider();
  provider(const provider&) = delete;
  provider& operator=(const provider&) = delete;

  /// Loads or makes the signing keys; before it nothing else may be called. Errors: see
  /// signing_keys::start.
  runtime::result<void> start();

  /// Takes over signing keys that another node on the same store has made. Blocks. Errors: those of
  /// the store; the keys at hand stay in use then.
  runtime::result<void> refresh_keys();

  /// Replaces all clients: at the start and whenever what is published changes.
  void set_clients(std::vector<client> clients);

  /// Replaces all users. Whoever is gone, disabled or has a new password is signed out with it.
  void set_users(std::vector<config::user> users);

  /// Sessions, codes and userinfo tokens of the user from before `before` count no longer: he has
  /// to sign in again. Kept in memory: the caller says it again after a restart.
  void require_new_sign_in(std::string_view user, runtime::timestamp before);

  /// Answers any request; never throws, blocks for up to two scrypt computations. `client_address`
  /// is the peer's IP address (lock-out counts by it). X-Request-Id and the like must be edge's
  /// own, client-sent copies removed. HEAD is answered like GET, content and all: whoever sends the
  /// answer leaves it out.
  runtime::http_response handle(const runtime::http_request& request,
                                std::string_view client_address);

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace postern::sts
