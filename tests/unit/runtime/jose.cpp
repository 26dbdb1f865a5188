#define CAF_SUITE jose
#include "runtime/jose.hpp"

#include "runtime/encoding.hpp"
#include "runtime/openssl_ptr.hpp"

#include <boost/json.hpp>
#include <caf/test/unit_test.hpp>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

namespace rt = postern::runtime;
namespace json = boost::json;
using namespace std::string_literals;

namespace {

// RFC 7515, appendix A.3.
const std::string rfc_private_jwk =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";
const std::string rfc_token =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    "."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

std::string number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  const rt::bignum_ptr owner(number);
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  return rt::to_base64url(bytes);
}

/// An issuer that signs with RSA, without the library under test.
class rsa_issuer {
 public:
  explicit rsa_issuer(unsigned bits) : key_(EVP_RSA_gen(bits)) {}

  json::object jwk(std::string_view id) const {
    return {{"kty", "RSA"},
            {"kid", id},
            {"n", number_of(key_.get(), "n")},
            {"e", number_of(key_.get(), "e")}};
  }

  std::string sign(const json::object& header, std::string_view claims, bool pss) const {
    const auto input = rt::to_base64url(json::serialize(header)) + "." + rt::to_base64url(claims);
    const rt::openssl_ptr<EVP_MD_CTX, EVP_MD_CTX_free> ctx(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    EVP_DigestSignInit(ctx.get(), &options, EVP_sha256(), nullptr, key_.get());
    if (pss) {
      EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
    }
    std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    size_t size = signature.size();
    EVP_DigestSign(ctx.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                   reinterpret_cast<const unsigned char*>(input.data()), input.size());
    return input + "." + rt::to_base64url(signature);
  }

 private:
  rt::evp_pkey_ptr key_;
};

rt::key_set set_of(json::array keys) {
  auto parsed = rt::key_set::parse(json::serialize(json::object{{"keys", std::move(keys)}}));
  CAF_REQUIRE(parsed.has_value());
  return *parsed;
}

std::string cause(const rt::result<json::object>& r) {
  if (r) return "none";
  CAF_CHECK(r.error().category == rt::error_category::unauthenticated);
  return r.error().cause;
}

std::string token_with(std::string_view header, std::string_view claims = R"({"sub":"ada"})",
                       std::string_view signature = "sig") {
  return rt::to_base64url(header) + "." + rt::to_base64url(claims) + "." +
         rt::to_base64url(signature);
}

struct fixture {
  rt::signing_key key = rt::signing_key::generate().value();
  rt::key_set keys = set_of({key.public_jwk()});
  json::object claims{{"sub", "ada"}, {"exp", 1700000000}};
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(jose_tests, fixture)

CAF_TEST(the example of RFC 7515 holds) {
  auto jwk = json::parse(rfc_private_jwk).get_object();
  jwk.erase("d");
  const auto verified = set_of({jwk}).verify(rfc_token);
  CAF_REQUIRE(verified.has_value());
  CAF_CHECK_EQUAL(verified->at("iss").as_string(), "joe");
  auto forged = rfc_token;
  forged[forged.size() - 5] = forged[forged.size() - 5] == 'A' ? 'B' : 'A';
  CAF_CHECK_EQUAL(cause(set_of({jwk}).verify(forged)), "token_signature");
}

CAF_TEST(a key is named by its thumbprint) {
  const auto read = rt::signing_key::parse(rfc_private_jwk);
  CAF_REQUIRE(read.has_value());
  CAF_CHECK_EQUAL(read->key_id(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

CAF_TEST(a signed token is verified by the public half) {
  const auto token = key.sign(claims, "at+jwt").value();
  const auto header = rt::read_jws_header(token);
  CAF_REQUIRE(header.has_value());
  CAF_CHECK_EQUAL(header->algorithm, "ES256");
  CAF_CHECK_EQUAL(header->key_id, key.key_id());
  CAF_CHECK_EQUAL(header->type, "at+jwt");
  const auto verified = keys.verify(token);
  CAF_REQUIRE(verified.has_value());
  CAF_CHECK(*verified == claims);
}

CAF_TEST(the public half holds no secret and says what it is for) {
  const auto jwk = key.public_jwk();
  CAF_CHECK(!jwk.contains("d"));
  CAF_CHECK_EQUAL(jwk.at("kid").as_string(), key.key_id());
  CAF_CHECK_EQUAL(jwk.at("use").as_string(), "sig");
  CAF_CHECK_EQUAL(jwk.at("alg").as_string(), "ES256");
}

CAF_TEST(a key survives the way into the store and back) {
  const auto read = rt::signing_key::parse(key.private_jwk());
  CAF_REQUIRE(read.has_value());
  CAF_CHECK_EQUAL(read->key_id(), key.key_id());
  CAF_CHECK_EQUAL(cause(keys.verify(read->sign(claims, "JWT").value())), "none");
}

CAF_TEST(what is no private P - 256 key is refused) {
  const auto refused = [](const std::string& jwk) { return !rt::signing_key::parse(jwk); };
  CAF_CHECK(refused(""));
  CAF_CHECK(refused("[]"));
  CAF_CHECK(refused(json::serialize(key.public_jwk())));
  CAF_CHECK(refused(R"({"kty":"oct","k":"AAAA","d":"AAAA","crv":"P-256"})"));
  auto broken = json::parse(key.private_jwk()).get_object();
  broken["d"] = "jpsQnnGQ=L-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
  CAF_CHECK(refused(json::serialize(broken)));
  auto other_half = json::parse(key.private_jwk()).get_object();
  other_half["d"] = json::parse(rfc_private_jwk).at("d");
  CAF_CHECK(refused(json::serialize(other_half)));
}

CAF_TEST(both RSA algorithms are verified) {
  const rsa_issuer issuer(2048);
  const auto set = set_of({issuer.jwk("rsa")});
  const json::object rs{{"alg", "RS256"}, {"kid", "rsa"}};
  const json::object ps{{"alg", "PS256"}, {"kid", "rsa"}};
  CAF_CHECK_EQUAL(cause(set.verify(issuer.sign(rs, R"({"sub":"ada"})", false))), "none");
  CAF_CHECK_EQUAL(cause(set.verify(issuer.sign(ps, R"({"sub":"ada"})", true))), "none");
  CAF_CHECK_EQUAL(cause(set.verify(issuer.sign(rs, R"({"sub":"ada"})", true))), "token_signature");
  CAF_CHECK_EQUAL(cause(set.verify(issuer.sign(ps, R"({"sub":"ada"})", false))), "token_signature");
  CAF_CHECK_EQUAL(cause(set.verify(rsa_issuer(2048).sign(rs, R"({"sub":"ada"})", false))),
                  "token_signature");
}

CAF_TEST(algorithms off the list are refused) {
  for (const char* algorithm : {"none", "None", "HS256", "RS512", "ES384", "EdDSA", "es256"}) {
    const auto header = R"({"alg":")"s + algorithm + R"(","kid":")" + key.key_id() + R"("})";
    CAF_CHECK_EQUAL(cause(keys.verify(token_with(header))), "token_algorithm");
    CAF_CHECK_EQUAL(cause(keys.verify(token_with(header, "{}", ""))), "token_algorithm");
  }
}

CAF_TEST(the kind of the key must fit the algorithm) {
  const auto header = R"({"alg":"RS256","kid":")" + key.key_id() + R"("})";
  CAF_CHECK_EQUAL(cause(keys.verify(token_with(header))), "token_algorithm");
}

CAF_TEST(a key that names its algorithm is used with no other) {
  const rsa_issuer issuer(2048);
  auto jwk = issuer.jwk("rsa");
  jwk["alg"] = "PS256";
  const auto set = set_of({jwk});
  const json::object rs{{"alg", "RS256"}, {"kid", "rsa"}};
  CAF_CHECK_EQUAL(cause(set.verify(issuer.sign(rs, "{}", false))), "token_algorithm");
  const json::object ps{{"alg", "PS256"}, {"kid", "rsa"}};
  CAF_CHECK_EQUAL(cause(set.verify(issuer.sign(ps, "{}", true))), "none");
}

CAF_TEST(an unknown kid is refused) {
  const auto token = rt::signing_key::generate()->sign(claims, "JWT").value();
  CAF_CHECK_EQUAL(cause(keys.verify(token)), "token_unknown_key");
  CAF_CHECK_EQUAL(cause(rt::key_set{}.verify(token)), "token_unknown_key");
}

CAF_TEST(a token without a kid is tried with every key that fits) {
  auto jwk = json::parse(rfc_private_jwk).get_object();
  CAF_CHECK_EQUAL(cause(set_of({key.public_jwk(), jwk}).verify(rfc_token)), "none");
  CAF_CHECK_EQUAL(cause(keys.verify(rfc_token)), "token_signature");
  CAF_CHECK_EQUAL(cause(rt::key_set{}.verify(rfc_token)), "token_unknown_key");
}

CAF_TEST(changed claims and headers are noticed) {
  const auto token = key.sign(claims, "JWT").value();
  const auto dot = token.find('.');
  const auto signature = token.substr(token.rfind('.'));
  const auto other = rt::to_base64url(R"({"sub":"eve","exp":1700000000})");
  CAF_CHECK_EQUAL(cause(keys.verify(token.substr(0, dot) + "." + other + signature)),
                  "token_signature");
  const auto header = rt::to_base64url(R"({"alg":"ES256","kid":")" + key.key_id() + R"("})");
  const auto rest = token.substr(dot);
  CAF_CHECK_EQUAL(cause(keys.verify(header + rest)), "token_signature");
}

CAF_TEST(a signature of another size is refused) {
  const auto token = key.sign(claims, "JWT").value();
  const auto signed_part = token.substr(0, token.rfind('.') + 1);
  for (const size_t size : {0, 1, 63, 65, 66, 1000})
    CAF_CHECK_EQUAL(cause(keys.verify(signed_part + rt::to_base64url(std::string(size, '\0')))),
                    "token_signature");
  CAF_CHECK_EQUAL(cause(keys.verify(signed_part + rt::to_base64url(std::string(64, '\0')))),
                  "token_signature");
}

CAF_TEST(a cut RSA signature is refused) {
  const rsa_issuer issuer(2048);
  const auto set = set_of({issuer.jwk("rsa")});
  for (const bool pss : {false, true}) {
    const json::object header{{"alg", pss ? "PS256" : "RS256"}, {"kid", "rsa"}};
    const auto token = issuer.sign(header, "{}", pss);
    const auto dot = token.rfind('.') + 1;
    const auto signature = *rt::from_base64url(token.substr(dot));
    for (const size_t size : {size_t{0}, size_t{1}, size_t{64}, signature.size() - 1})
      CAF_CHECK_EQUAL(
          cause(set.verify(token.substr(0, dot) + rt::to_base64url(signature.substr(0, size)))),
          "token_signature");
    CAF_CHECK_EQUAL(cause(set.verify(token.substr(0, dot) + rt::to_base64url(signature + "x"))),
                    "token_signature");
  }
}

CAF_TEST(malformed tokens are refused) {
  const auto good = key.sign(claims, "JWT").value();
  CAF_CHECK_EQUAL(cause(keys.verify(good)), "none");
  const auto malformed = [&](const std::string& token) {
    return cause(keys.verify(token)) == "token_malformed";
  };
  CAF_CHECK(malformed(""));
  CAF_CHECK(malformed(".."));
  CAF_CHECK(malformed("a.b"));
  CAF_CHECK(malformed(good + ".x"));
  CAF_CHECK(malformed(good + "="));
  CAF_CHECK(malformed(" " + good));
  CAF_CHECK(malformed(token_with("[]")));
  CAF_CHECK(malformed(token_with("{}")));
  CAF_CHECK(malformed(token_with(R"({"alg":5})")));
  CAF_CHECK(malformed(token_with(R"({"alg":""})")));
  CAF_CHECK(malformed(token_with(R"({"alg":"ES256","kid":5})")));
  CAF_CHECK(malformed(token_with(R"({"alg":"ES256","typ":null})")));
  CAF_CHECK(malformed(token_with(R"({"alg":"ES256","crit":["b64"],"b64":false})")));
  CAF_CHECK(malformed(std::string(70000, 'a') + ".b.c"));
}

CAF_TEST(a signed payload that is no object is malformed) {
  const rsa_issuer issuer(2048);
  const auto set = set_of({issuer.jwk("rsa")});
  const json::object header{{"alg", "RS256"}, {"kid", "rsa"}};
  for (const char* payload : {"", "[]", "5", "{", R"({"a":1} x)"})
    CAF_CHECK_EQUAL(cause(set.verify(issuer.sign(header, payload, false))), "token_malformed");
}

CAF_TEST(keys that cannot verify are skipped) {
  const auto with = [&](const char* name, json::value value) {
    auto jwk = key.public_jwk();
    jwk[name] = std::move(value);
    return set_of({jwk}).contains(key.key_id());
  };
  CAF_CHECK(with("use", "sig"));
  CAF_CHECK(with("key_ops", json::array{"verify"}));
  CAF_CHECK(!with("use", "enc"));
  CAF_CHECK(!with("key_ops", json::array{"encrypt"}));
  CAF_CHECK(!with("alg", "RS256"));
  CAF_CHECK(!with("kty", "OKP"));
  CAF_CHECK(!with("crv", "P-384"));
  CAF_CHECK(!with("x", "AAAA"));
  CAF_CHECK(!with("y", nullptr));
  // Inputs that cjose itself ends the process on.
  CAF_CHECK(!with("y", "x_FEzRu9m=6HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
  CAF_CHECK(!with("x", "===="));
  const json::object broken_rsa{{"kty", "RSA"}, {"kid", "rsa"}, {"n", "AQ=B"}, {"e", "AQAB"}};
  CAF_CHECK(!set_of({broken_rsa}).contains("rsa"));
  const json::object symmetric{{"kty", "oct"}, {"kid", "oct"}, {"k", "AAAAAAAAAAAAAAAAAAAAAA"}};
  CAF_CHECK(!set_of({symmetric}).contains("oct"));
  CAF_CHECK(!set_of({rsa_issuer(1024).jwk("weak")}).contains("weak"));
}

CAF_TEST(a malformed key set is an error) {
  const auto refusal = [](const std::string& text) {
    const auto parsed = rt::key_set::parse(text);
    return parsed ? "none"s : parsed.error().cause;
  };
  CAF_CHECK_EQUAL(refusal(R"({"keys":[]})"), "none");
  for (const char* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[5]})", R"({"keys":[)"})
    CAF_CHECK_EQUAL(refusal(text), "jwks_malformed");
  CAF_CHECK_EQUAL(
      refusal(json::serialize(json::object{{"keys", json::array(101, json::object{})}})),
      "jwks_malformed");
  CAF_CHECK_EQUAL(refusal(R"({"keys":[]})" + std::string(300000, ' ')), "jwks_malformed");
}

CAF_TEST_FIXTURE_SCOPE_END()
