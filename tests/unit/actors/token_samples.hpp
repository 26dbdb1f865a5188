#pragma once
// Tokens for tests: claims of an ID token for "wiki", and what has to be expected of it.

#include "actors/messages.hpp"
#include "tests/unit/actors/store_fixture.hpp"

#include <boost/json.hpp>

#include <string>

namespace postern::actors::testing {

inline constexpr const char* sample_issuer = "https://sts.example.com";

/// Claims issued at `now` for an hour.
inline boost::json::object sample_claims(int64_t now) {
  return {{"iss", sample_issuer},
          {"sub", "0001"},
          {"aud", "wiki"},
          {"exp", now + 3600},
          {"iat", now},
          {"auth_time", now - 5},
          {"nonce", "n-1"},
          {"preferred_username", "alice"},
          {"name", "Alice A."},
          {"email", "alice@example.com"},
          {"groups", boost::json::array{"staff", "berlin"}}};
}

inline token_expectation sample_expectation(std::string token = {}) {
  return {.token = std::move(token), .issuer = sample_issuer, .audience = "wiki", .nonce = "n-1"};
}

}  // namespace postern::actors::testing
