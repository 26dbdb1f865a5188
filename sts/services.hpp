#pragma once
// What the endpoints share. provider owns the one object of it; endpoints hold a reference.

#include "sts/accounts.hpp"
#include "sts/clients.hpp"
#include "sts/code_vault.hpp"
#include "sts/device_grants.hpp"
#include "sts/form_guard.hpp"
#include "sts/lock_out.hpp"
#include "sts/options.hpp"
#include "sts/signing_keys.hpp"
#include "sts/single_sign_on.hpp"
#include "sts/token_issuer.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace postern::sts {

/// Every member is safe to use from any thread. `store`, `clock` and `random` must outlive the
/// object.
struct services {
  services(options settings_of_issuer, std::vector<config::user> users, runtime::store& store,
           const std::shared_ptr<const runtime::key_ring>& ring,
           const runtime::wall_clock& wall_clock, runtime::random_source& random);
  services(const services&) = delete;
  services& operator=(const services&) = delete;

  const options settings;
  const runtime::wall_clock& clock;
  client_directory clients;    ///< who may ask for tokens
  account_directory accounts;  ///< who may sign in
  signing_keys keys;           ///< start() before the first request
  token_issuer tokens;         ///< signs with keys
  single_sign_on sessions;
  form_guard forms;
  code_vault codes;
  device_grants devices;
  lock_out passwords;       ///< by user name
  lock_out user_codes;      ///< by the user who types them
  lock_out client_secrets;  ///< by client and address together

  /// Tells the observer, if there is one.
  void report(std::string_view what, const incoming& in, std::string_view user,
              std::string_view client_id) const;
};

}  // namespace postern::sts
