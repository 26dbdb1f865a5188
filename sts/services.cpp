#include "sts/services.hpp"

namespace postern::sts {

services::services(options settings_of_issuer, std::vector<config::user> users,
                   runtime::store& store, const std::shared_ptr<const runtime::key_ring>& ring,
                   const runtime::wall_clock& wall_clock, runtime::random_source& random)
    : settings(std::move(settings_of_issuer)),
      clock(wall_clock),
      accounts(settings.issuer, std::move(users)),
      keys(settings, store, ring, clock),
      tokens(settings, accounts, keys, clock, random),
      sessions(settings, accounts, ring, clock, random),
      forms(ring, clock, random),
      codes(settings, ring, clock, random, settings.shared ? &store : nullptr),
      devices(settings, clock, random, settings.shared ? &store : nullptr),
      passwords(clock),
      user_codes(clock),
      client_secrets(clock) {}

void services::report(std::string_view what, const incoming& in, std::string_view user,
                      std::string_view client_id) const {
  if (!settings.observer) return;
  settings.observer(
      {std::string{what}, std::string{user}, std::string{client_id}, in.address, in.request_id});
}

}  // namespace postern::sts
