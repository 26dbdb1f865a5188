// Feeds arbitrary text to what reads tokens and key sets of an issuer.

#include "runtime/encoding.hpp"
#include "runtime/jose.hpp"

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rt = postern::runtime;

namespace {

struct issuer {
  rt::signing_key key = rt::signing_key::generate().value();
  rt::key_set keys = rt::key_set::parse(boost::json::serialize(boost::json::object{
                                            {"keys", boost::json::array{key.public_jwk()}}}))
                         .value();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const issuer known;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // The key is fresh in every run: nothing in a corpus was signed by it.
  rt::ensure(!known.keys.verify(text), "an unsigned token is verified");
  const auto header = R"({"alg":"ES256","kid":")" + known.key.key_id() + R"("})";
  rt::ensure(!known.keys.verify(rt::to_base64url(header) + ".e30." + rt::to_base64url(text)),
             "a guessed signature is verified");
  rt::ensure(!known.keys.verify(rt::to_base64url(text) + ".e30.AAAA"),
             "a guessed header is verified");
  if (const auto keys = rt::key_set::parse(text)) static_cast<void>(keys->verify(text));
  static_cast<void>(rt::signing_key::parse(text));
  return 0;
}
