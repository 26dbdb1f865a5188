#include "connector/est_client.hpp"

#include "actors/connector_configuration.hpp"
#include "connector/limits.hpp"
#include "runtime/encoding.hpp"
#include "runtime/limits.hpp"
#include "runtime/x509.hpp"

namespace postern::connector {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::http_field;
using runtime::http_status;
using runtime::http_verb;
using runtime::result;

namespace {

constexpr std::string_view est = "/.well-known/est/";
constexpr const char* configuration_path = "/connector/configuration";

error malformed(std::string detail) {
  return {error_category::bad_gateway, "est_malformed", "service", std::move(detail)};
}

/// The certificates of a certs-only answer (RFC 7030, section 4.1.3).
result<std::vector<std::string>> certificates_of(const runtime::http_response& answer) {
  if (answer.result() != http_status::ok) return refusal_of(answer);
  const auto der = runtime::from_base64(answer.body());
  if (!der) return malformed("the certificates are not base64");
  auto certificates = runtime::read_pkcs7(*der);
  if (!certificates)
    return malformed("the certificates are no PKCS #7: " + certificates.error().detail);
  if (certificates->empty()) return malformed("no certificate in the answer");
  return certificates;
}

/// The certificate for `key` first, then the others, as TLS sends a chain.
result<identity> pair_up(const runtime::private_key& key,
                         const std::vector<std::string>& certificates) {
  for (const auto& own : certificates) {
    auto who = parse_identity(key.pem() + own);
    if (!who) continue;
    for (const auto& other : certificates)
      if (&other != &own) who->certificate_pem += other;
    return who;
  }
  return malformed("no certificate in the answer is for the key that asked");
}

awaitable<result<identity>> request_certificate(runtime::shard& home, const service_link& link,
                                                std::string path, std::string common_name,
                                                std::string credentials) {
  const auto key = runtime::private_key::generate();
  runtime::http_request request{http_verb::post, "/", 11};
  request.set(http_field::content_type, "application/pkcs10");
  request.set("Content-Transfer-Encoding", "base64");
  if (!credentials.empty()) request.set(http_field::authorization, credentials);
  request.body() = runtime::to_base64(runtime::make_certificate_request(key, common_name));
  auto answer =
      co_await link.fetch(home, link.url(path), std::move(request), runtime::limits::fetch_timeout);
  if (!answer) co_return answer.error();
  auto certificates = certificates_of(*answer);
  if (!certificates) co_return certificates.error();
  co_return pair_up(key, *certificates);
}

}  // namespace

std::string token_credentials(std::string_view enrolment_token) {
  return "Basic " + runtime::to_base64("enrolment:" + std::string{enrolment_token});
}

std::string bearer_credentials(std::string_view access_token) {
  return "Bearer " + std::string{access_token};
}

awaitable<result<identity>> simple_enroll(runtime::shard& home, const service_link& link,
                                          std::string group, std::string name,
                                          std::string credentials) {
  auto path = std::string{est} + runtime::percent_encode(group) + "/simpleenroll";
  co_return co_await request_certificate(home, link, std::move(path), std::move(name),
                                         std::move(credentials));
}

awaitable<result<identity>> simple_reenroll(runtime::shard& home, const service_link& link,
                                            identity old) {
  const auto certificate = runtime::read_certificate_pem(old.certificate_pem);
  if (!certificate) co_return certificate.error();
  co_return co_await request_certificate(home, link, std::string{est} + "simplereenroll",
                                         certificate->common_name, {});
}

awaitable<result<std::string>> authority_certificates(runtime::shard& home,
                                                      const service_link& link) {
  auto answer = co_await link.fetch(home, link.url(std::string{est} + "cacerts"),
                                    runtime::http_request{http_verb::get, "/", 11},
                                    runtime::limits::fetch_timeout);
  if (!answer) co_return answer.error();
  const auto certificates = certificates_of(*answer);
  if (!certificates) co_return certificates.error();
  std::string pem;
  for (const auto& one : *certificates)
    pem += one;
  co_return pem;
}

awaitable<result<pull_answer>> pull_configuration(runtime::shard& home, const service_link& link,
                                                  pull_request asked) {
  runtime::http_request request{http_verb::get, "/", 11};
  if (!asked.entity_tag.empty()) request.set(http_field::if_none_match, asked.entity_tag);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(asked.wait).count();
  if (seconds > 0) request.set("Prefer", "wait=" + std::to_string(seconds));
  request.set("postern-instance", asked.instance);
  auto answer = co_await link.fetch(home, link.url(configuration_path), std::move(request),
                                    asked.wait + limits::pull_grace);
  if (!answer) co_return answer.error();
  if (answer->result() == http_status::not_modified) co_return pull_answer{};
  if (answer->result() != http_status::ok) co_return refusal_of(*answer);
  auto decoded = actors::decode_connector_configuration(answer->body());
  if (!decoded) co_return decoded.error();
  co_return pull_answer{
      std::make_shared<const actors::connector_configuration>(std::move(*decoded)),
      std::string{(*answer)[http_field::etag]}};
}

}  // namespace postern::connector
