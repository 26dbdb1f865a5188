// Feeds arbitrary bytes to what reads certificates and requests; a request that is taken must get
// the profile's names and none of its own.

#include "runtime/x509.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace rt = postern::runtime;
using namespace std::chrono_literals;

namespace {

struct authority {
  rt::private_key key = rt::private_key::generate();
  rt::certificate_profile profile{.serial_hex = "1",
                                  .common_name = "authority",
                                  .not_before = rt::timestamp{},
                                  .not_after = rt::timestamp{} + 24h,
                                  .use = rt::certificate_profile::usage::authority};
  std::string pem = rt::self_sign(key, profile).value();
};

void sign(const authority& by, std::string_view request) {
  auto profile = by.profile;
  profile.common_name = "connector";
  profile.use = rt::certificate_profile::usage::client;
  const auto pem = rt::sign_request(request, profile, by.key, by.pem);
  if (!pem) return;
  const auto info = rt::read_certificate_pem(*pem);
  rt::ensure(info.has_value() && info->subject == "CN=connector", "a request chose its name");
  rt::ensure(info->dns_names.empty() && info->uris.empty(), "a request chose its other names");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const authority known;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(rt::read_certificate_der(bytes));
  static_cast<void>(rt::read_certificate_pem(bytes));
  if (const auto certificates = rt::read_pkcs7(bytes))
    rt::ensure(certificates->empty() || rt::make_pkcs7(*certificates).has_value(),
               "a bundle cannot be made again");
  if (rt::read_certificate_request(bytes)) sign(known, bytes);
  return 0;
}
