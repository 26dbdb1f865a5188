#include "actors/issuer_keys.hpp"

#include <utility>

namespace postern::actors {

namespace {

runtime::error unreachable(std::string detail) {
  return {runtime::error_category::unavailable, "sts_unreachable", "sts", std::move(detail)};
}

}  // namespace

issuer_keys::need issuer_keys::what_is_needed(const runtime::jws_header& header,
                                              time_point now) const {
  const bool known = keys_ && (header.key_id.empty() || keys_->contains(header.key_id));
  if (!known) return may_fetch(now) || fetching_ ? need::wait : need::none;
  const bool old = now - *fetched_at_ >= key_refresh_interval;
  return old && may_fetch(now) ? need::background : need::none;
}

bool issuer_keys::may_fetch(time_point now) const {
  return !fetching_ && (!begun_at_ || now - *begun_at_ >= key_fetch_interval);
}

void issuer_keys::begin_fetch(time_point now) {
  fetching_ = true;
  begun_at_ = now;
}

void issuer_keys::end_fetch(const std::string& jwks, time_point now) {
  auto keys = runtime::key_set::parse(jwks);
  if (!keys) return fail_fetch(keys.error());
  fetching_ = false;
  failure_.reset();
  keys_ = std::move(*keys);
  fetched_at_ = now;
}

void issuer_keys::fail_fetch(runtime::error why) {
  fetching_ = false;
  failure_ = std::move(why);
}

runtime::result<boost::json::object> issuer_keys::verify(const token_expectation& wanted) const {
  if (!keys_) return unreachable(failure_ ? runtime::to_string(*failure_) : "no keys yet");
  auto claims = keys_->verify(wanted.token);
  if (!claims && failure_ && claims.error().cause == "token_unknown_key")
    return unreachable(runtime::to_string(*failure_));
  return claims;
}

}  // namespace postern::actors
