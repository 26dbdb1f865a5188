#include "edge/named_certificates.hpp"

#include "config/place.hpp"
#include "runtime/files.hpp"
#include "runtime/tls_context.hpp"
#include "runtime/x509.hpp"

namespace postern::edge {

namespace {

using problem = std::optional<std::string>;

/// "certificate_file: expected ..." for what is wrong with a pair; the place is the caller's.
struct finding {
  const char* key;
  std::string what;
};

std::optional<finding> check(const config::certificate_files& files) {
  const auto certificate = runtime::read_file(files.certificate_file);
  if (!certificate) return finding{"certificate_file", certificate.error().detail};
  const auto key = runtime::read_file(files.key_file);
  if (!key) return finding{"key_file", key.error().detail};
  if (!runtime::read_certificate_pem(*certificate))
    return finding{"certificate_file",
                   "expected a PEM certificate, found something that is none (" +
                       files.certificate_file + ")"};
  if (!runtime::private_key::parse_pem(*key))
    return finding{"key_file",
                   "expected an unencrypted PEM private key, found something that is none (" +
                       files.key_file + ")"};
  if (!runtime::tls_server_context::make({{*certificate, *key}}, {}, {"http/1.1"}))
    return finding{"key_file", "expected the key of certificate_file, found another one (" +
                                   files.key_file + ")"};
  return {};
}

problem check_authorities(const std::string& authorities_file) {
  if (authorities_file.empty()) return {};
  const auto pem = runtime::read_file(authorities_file);
  if (!pem) return pem.error().detail;
  if (runtime::read_certificate_pem(*pem)) return {};
  return "expected PEM certificates, found something that is none (" + authorities_file + ")";
}

}  // namespace

problem find_unusable_certificate(const config::node& options, const std::string& file) {
  const auto& pairs = options.tls.certificates;
  for (size_t i = 0; i < pairs.size(); ++i)
    if (const auto wrong = check(pairs[i]))
      return config::place_of(file, "tls.certificate[" + std::to_string(i) + "]." + wrong->key) +
             ": " + wrong->what;
  if (const auto wrong = check_authorities(options.sts.issuer_ca_file))
    return config::place_of(file, "sts.issuer_ca_file") + ": " + *wrong;
  return {};
}

}  // namespace postern::edge
