#include "edge/est.hpp"

#include "edge/answers.hpp"
#include "runtime/encoding.hpp"

namespace postern::edge {

using runtime::http_field;

std::optional<est_path> read_est_path(std::string_view path) {
  auto segments = split_path(path);
  if (!segments || segments->size() < 3 || segments->size() > 4) return {};
  if ((*segments)[0] != ".well-known" || (*segments)[1] != "est") return {};
  est_path found;
  if (segments->size() == 4) {
    if ((*segments)[2].empty()) return {};
    found.label = std::move((*segments)[2]);
  }
  const auto& operation = segments->back();
  if (operation == "cacerts")
    found.operation = est_operation::cacerts;
  else if (operation == "simpleenroll")
    found.operation = est_operation::simpleenroll;
  else if (operation == "simplereenroll")
    found.operation = est_operation::simplereenroll;
  else
    return {};
  return found;
}

std::optional<std::string> read_est_body(std::string_view body) {
  // base64 and its line breaks take less than half as much again.
  if (body.size() > largest_csr + largest_csr / 2) return {};
  auto der = runtime::from_base64(body);
  if (!der || der->empty() || der->size() > largest_csr) return {};
  return der;
}

std::string read_basic_password(const runtime::http_request& request) {
  const auto pair = runtime::from_base64(credentials_of(request, "Basic"));
  if (!pair) return {};
  const auto colon = pair->find(':');
  return colon == pair->npos ? std::string{} : pair->substr(colon + 1);
}

runtime::http_response est_answer(std::string_view pkcs7_der) {
  constexpr size_t line = 64;
  const auto text = runtime::to_base64(pkcs7_der);
  runtime::http_response response{runtime::http_status::ok, 11};
  response.set(http_field::content_type, "application/pkcs7-mime; smime-type=certs-only");
  response.set("Content-Transfer-Encoding", "base64");
  response.set(http_field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  for (size_t at = 0; at < text.size(); at += line)
    response.body().append(text, at, line).append("\r\n");
  return response;
}

}  // namespace postern::edge
