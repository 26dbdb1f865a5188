#define CAF_SUITE metadata
// That the endpoints are where the document says is tested by provider; here, that they do what it
// says.
#include "sts/metadata.hpp"

#include "sts/authorization_request.hpp"
#include "sts/token_issuer.hpp"
#include "tests/unit/sts/fixture.hpp"

#include <boost/json.hpp>
#include <caf/test/unit_test.hpp>

#include <set>

using namespace postern::sts;
using namespace postern::sts::testing;

namespace {

struct fixture : provider_fixture {
  boost::json::object document = provider_metadata(issuer);

  std::set<std::string> list(std::string_view name) const {
    std::set<std::string> all;
    for (const auto& value : document.at(name).as_array())
      all.emplace(value.as_string());
    return all;
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(metadata_tests, fixture)

CAF_TEST(what the specifications require is there) {
  for (auto name : {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri",
                    "response_types_supported", "subject_types_supported",
                    "id_token_signing_alg_values_supported", "device_authorization_endpoint"})
    CAF_CHECK(document.contains(name));
}

CAF_TEST(what would be on by default is denied) {
  for (auto name : {"claims_parameter_supported", "request_parameter_supported",
                    "request_uri_parameter_supported"})
    CAF_CHECK(document.at(name) == boost::json::value(false));
  CAF_CHECK(!list("grant_types_supported").contains("implicit"));
}

CAF_TEST(every scope that is named is granted) {
  for (const auto& scope : list("scopes_supported"))
    CAF_CHECK_EQUAL(granted_scope(scope), scope);
  CAF_CHECK(list("scopes_supported").contains("openid"));
}

CAF_TEST(every prompt response type and response mode that is named is served) {
  const auto wiki = applications().front();
  auto serves = [&](const std::string& name, const std::string& value) {
    return read_authorization_request(wiki_request({{name, value}}), wiki).has_value();
  };
  for (const auto& prompt : list("prompt_values_supported"))
    CAF_CHECK(serves("prompt", prompt));
  for (const auto& type : list("response_types_supported"))
    CAF_CHECK(serves("response_type", type));
  for (const auto& mode : list("response_modes_supported"))
    CAF_CHECK(serves("response_mode", mode));
  for (const auto& method : list("code_challenge_methods_supported"))
    CAF_CHECK(serves("code_challenge_method", method));
}

CAF_TEST(every grant type that is named is known at the token endpoint) {
  for (const auto& type : list("grant_types_supported"))
    CAF_CHECK_NOT_EQUAL(error(post("/token", {{"grant_type", type}, {"client_id", "wiki"}})),
                        "unsupported_grant_type");
}

CAF_TEST(an id token carries the claims that are named and is signed as it says) {
  const auto token = text(fresh_tokens(), "id_token");
  CAF_CHECK(list("id_token_signing_alg_values_supported") ==
            (std::set<std::string>{header_of(token).algorithm}));
  std::set<std::string> claims;
  for (const auto& claim : verified(token))
    claims.emplace(claim.key());
  CAF_CHECK(claims == list("claims_supported"));
}

CAF_TEST_FIXTURE_SCOPE_END()
