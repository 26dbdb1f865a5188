#include "actors/token_verifier.hpp"

#include "actors/actor_support.hpp"
#include "actors/timeouts.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace postern::actors {

runtime::result<verified_token> token_verifier_state::verify(const issuer_keys& keys,
                                                             const token_expectation& wanted) {
  const auto claims = keys.verify(wanted);
  if (!claims) return claims.error();
  auto token = check_claims(*claims, wanted, clock->now(), leeway);
  if (!token || wanted.nonce.empty()) return token;
  const auto until = runtime::from_unix_seconds(token->expires_at) + leeway;
  if (!nonces.accept(wanted.issuer + ' ' + wanted.nonce, until))
    return token_error("token_replayed", "the nonce was used before");
  return token;
}

namespace {

using pointer = token_verifier_actor::stateful_pointer<token_verifier_state>;

void end_fetch(pointer self, const std::string& issuer) {
  auto waiting = std::exchange(self->state.issuers[issuer].waiting, {});
  for (auto& token : waiting)
    settle(token.answer, self->state.verify(self->state.issuers[issuer].keys, token.wanted));
}

void fetch(pointer self, const std::string& issuer) {
  self->state.issuers[issuer].keys.begin_fetch(self->clock().now());
  self->request(self->state.source, key_fetch_timeout, fetch_atom_v, issuer)
      .then(
          [self, issuer](const std::string& jwks) {
            self->state.issuers[issuer].keys.end_fetch(jwks, self->clock().now());
            end_fetch(self, issuer);
          },
          [self, issuer](const caf::error& e) {
            auto why = runtime::from_caf(e);
            spdlog::warn("keys of {} cannot be fetched: {}", issuer, runtime::to_string(why));
            self->state.issuers[issuer].keys.fail_fetch(std::move(why));
            end_fetch(self, issuer);
          });
}

caf::result<verified_token> wait_for_keys(pointer self, const token_expectation& wanted) {
  auto& issuer = self->state.issuers[wanted.issuer];
  if (issuer.waiting.size() >= verifications_waiting_limit)
    return runtime::to_caf({runtime::error_category::overloaded, "sts_busy", "sts", {}});
  auto answer = self->make_response_promise<verified_token>();
  issuer.waiting.push_back({wanted, answer});
  if (!issuer.keys.fetching()) fetch(self, wanted.issuer);
  return answer;
}

caf::result<verified_token> verify(pointer self, token_expectation wanted) {
  const auto header = runtime::read_jws_header(wanted.token);
  if (!header) return runtime::to_caf(token_error("token_malformed", header.error().detail));
  if (auto fits = check_header(*header, wanted.required_type); !fits)
    return runtime::to_caf(fits.error());
  const auto& keys = self->state.issuers[wanted.issuer].keys;
  const auto need = keys.what_is_needed(*header, self->clock().now());
  if (need == issuer_keys::need::wait) return wait_for_keys(self, std::move(wanted));
  if (need == issuer_keys::need::background) fetch(self, wanted.issuer);
  return to_reply(self->state.verify(keys, wanted));
}

}  // namespace

token_verifier_actor::behavior_type token_verifier(pointer self, key_source_actor source,
                                                   const runtime::wall_clock* clock,
                                                   std::chrono::seconds leeway) {
  report_crashes(self);
  self->state.source = std::move(source);
  self->state.clock = clock;
  self->state.leeway = leeway;
  self->delayed_send(self, nonce_sweep_interval, tick_atom_v);
  return {
      [self](verify_atom, token_expectation& wanted) { return verify(self, std::move(wanted)); },
      [self](tick_atom) {
        self->delayed_send(self, nonce_sweep_interval, tick_atom_v);
        self->state.nonces.forget(self->state.clock->now());
      },
  };
}

}  // namespace postern::actors
