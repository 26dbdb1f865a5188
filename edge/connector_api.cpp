#include "edge/connector_api.hpp"

#include "actors/connector_configuration.hpp"
#include "actors/timeouts.hpp"
#include "edge/administrator.hpp"
#include "edge/answers.hpp"
#include "edge/est.hpp"
#include "edge/node_load.hpp"
#include "edge/problem.hpp"
#include "edge/refusal.hpp"
#include "runtime/http_fields.hpp"
#include "runtime/log.hpp"
#include "runtime/x509.hpp"

#include <algorithm>
#include <charconv>

namespace postern::edge {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::http_field;
using runtime::http_response;
using runtime::http_status;
using runtime::http_verb;
using runtime::result;

namespace {

constexpr std::string_view configuration_path = "/connector/configuration";
constexpr std::string_view discovery_path = "/.well-known/postern";
/// A name that a process gives itself; longer ones would only fill the log.
constexpr size_t longest_instance = 64;

error enrolment_error(error_category category, const char* cause, std::string detail = {}) {
  return {category, cause, "enrolment", std::move(detail)};
}

/// What a connector's administrator can do about it. Details of `invalid_input` and `forbidden`
/// from the enrolment rules speak of what was sent, never of this machine.
http_response refuse(const error& why, const service_request& request) {
  runtime::log_event(spdlog::level::warn, "connector_refused",
                     {{"cause", why.cause},
                      {"detail", why.detail},
                      {"address", request.client_address},
                      {"request_id", request.request_id}});
  return make_problem(why, request.request_id, explain(why));
}

http_response refuse_method(const service_request& request, const char* allowed) {
  auto response =
      refuse({error_category::invalid_input, "method_not_allowed", "request", {}}, request);
  response.set(http_field::allow, allowed);
  return response;
}

bool is_read(http_verb method) noexcept {
  return method == http_verb::get || method == http_verb::head;
}

result<std::string> read_csr(const service_request& request) {
  if (!runtime::iequals(media_type_of(request.message), "application/pkcs10"))
    return enrolment_error(error_category::invalid_input, "content_type_refused");
  auto der = read_est_body(request.message.body());
  if (!der) return enrolment_error(error_category::invalid_input, "csr_malformed", "no base64");
  return std::move(*der);
}

result<http_response> send_certificate(const std::string& pem) {
  const auto der = runtime::make_pkcs7({pem});
  if (!der) return der.error();
  return est_answer(*der);
}

}  // namespace

std::chrono::seconds read_wait(std::string_view prefer) noexcept {
  while (!prefer.empty()) {
    const auto end = std::min(prefer.find_first_of(",;"), prefer.size());
    const auto preference = runtime::trim(prefer.substr(0, end));
    prefer.remove_prefix(std::min(end + 1, prefer.size()));
    const auto equals = preference.find('=');
    if (equals == preference.npos ||
        !runtime::iequals(runtime::trim(preference.substr(0, equals)), "wait"))
      continue;
    const auto digits = runtime::trim(preference.substr(equals + 1));
    unsigned seconds = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (read.ec == std::errc::result_out_of_range) return longest_wait;
    if (read.ec != std::errc{}) return {};
    return std::min(std::chrono::seconds{seconds}, longest_wait);
  }
  return {};
}

uint64_t read_known_version(std::string_view if_none_match) noexcept {
  for (auto at = if_none_match.find('"'); at != if_none_match.npos;
       at = if_none_match.find('"', at + 1)) {
    const auto end = if_none_match.find('"', at + 1);
    if (end == if_none_match.npos) return 0;
    uint64_t version = 0;
    const auto* last = if_none_match.data() + end;
    const auto read = std::from_chars(if_none_match.data() + at + 1, last, version);
    if (read.ec == std::errc{} && read.ptr == last) return version;
    at = end;
  }
  return 0;
}

http_response describe_service(const service_urls& urls) {
  return json_answer(http_status::ok, boost::json::object{{"issuer", urls.issuer},
                                                          {"service", urls.service},
                                                          {"admin", urls.admin}});
}

awaitable<http_response> connector_api::handle(service_request& request) {
  const auto path = split_target(request.message.target()).path;
  const auto method = request.message.method();
  if (path == discovery_path)
    co_return is_read(method) ? describe_service(context_.urls) : refuse_method(request, "GET");
  if (path == configuration_path) {
    if (method != http_verb::get) co_return refuse_method(request, "GET");
    auto sent = co_await send_configuration(request);
    co_return sent ? std::move(*sent) : refuse(sent.error(), request);
  }
  if (const auto asked = read_est_path(path)) co_return co_await serve_est(request, *asked);
  co_return refuse({error_category::not_found, "page_unknown", "service", {}}, request);
}

awaitable<http_response> connector_api::serve_est(service_request& request, const est_path& asked) {
  const auto method = request.message.method();
  const bool reads = asked.operation == est_operation::cacerts;
  if (reads ? !is_read(method) : method != http_verb::post)
    co_return refuse_method(request, reads ? "GET" : "POST");
  result<http_response> answered = http_response{};
  if (reads)
    answered = co_await send_authority();
  else if (asked.operation == est_operation::simpleenroll)
    answered = co_await enroll(request, asked);
  else
    answered = co_await renew(request);
  if (answered) co_return std::move(*answered);
  auto response = refuse(answered.error(), request);
  // RFC 7030, section 3.2.3: an EST client tries again with what it was asked for.
  if (answered.error().cause == "credentials_missing")
    response.set(http_field::www_authenticate, "Basic realm=\"postern\", charset=\"UTF-8\"");
  else
    challenge_bearer(response, answered.error());
  co_return response;
}

connector_api::answer connector_api::send_authority() {
  auto pem = co_await context_.port->ask<std::string>(
      handles_of(context_).authority, actors::durable_timeout, actors::lookup_atom_v);
  if (!pem) co_return pem.error();
  co_return send_certificate(*pem);
}

connector_api::answer connector_api::enroll(service_request& request, const est_path& asked) {
  actors::enrolment_request wanted;
  wanted.group = asked.label;
  wanted.address = request.client_address;
  if (const auto token = credentials_of(request.message, "Bearer"); !token.empty()) {
    auto administrator =
        co_await find_administrator(context_, std::string{token}, administration::enrolment);
    if (!administrator) co_return administrator.error();
    if (wanted.group.empty())
      co_return enrolment_error(error_category::invalid_input, "group_missing");
    wanted.administrator = std::move(administrator->name);
  } else {
    wanted.enrolment_token = read_basic_password(request.message);
    if (wanted.enrolment_token.empty())
      co_return enrolment_error(error_category::unauthenticated, "credentials_missing");
  }
  auto csr = read_csr(request);
  if (!csr) co_return csr.error();
  wanted.csr_der = std::move(*csr);
  auto issued = co_await context_.port->ask<actors::issued_certificate>(
      handles_of(context_).authority, actors::certificate_timeout, actors::sign_atom_v,
      std::move(wanted));
  if (!issued) co_return issued.error();
  runtime::log_event(spdlog::level::info, "connector_enrolled",
                     {{"connector", issued->connector},
                      {"group", issued->group},
                      {"address", request.client_address},
                      {"request_id", request.request_id}});
  co_return send_certificate(issued->certificate_pem);
}

connector_api::answer connector_api::renew(service_request& request) {
  // The handshake has checked who signed it; a client without one has nothing to renew.
  if (request.peer_certificate_pem.empty())
    co_return enrolment_error(error_category::forbidden, "certificate_missing");
  auto csr = read_csr(request);
  if (!csr) co_return csr.error();
  actors::renewal_request wanted{std::move(*csr), request.peer_certificate_pem,
                                 request.client_address};
  auto issued = co_await context_.port->ask<actors::issued_certificate>(
      handles_of(context_).authority, actors::certificate_timeout, actors::renew_atom_v,
      std::move(wanted));
  if (!issued) co_return issued.error();
  runtime::log_event(spdlog::level::info, "certificate_renewed",
                     {{"connector", issued->connector},
                      {"address", request.client_address},
                      {"request_id", request.request_id}});
  co_return send_certificate(issued->certificate_pem);
}

connector_api::answer connector_api::send_configuration(service_request& request) {
  if (request.peer_certificate_pem.empty())
    co_return enrolment_error(error_category::forbidden, "certificate_missing");
  const auto certificate = runtime::read_certificate_pem(request.peer_certificate_pem);
  if (!certificate) co_return certificate.error();
  actors::configuration_pull pull;
  pull.connector = certificate->common_name;
  pull.certificate_pem = request.peer_certificate_pem;
  pull.instance = std::string{request.message["postern-instance"]}.substr(0, longest_instance);
  pull.address = request.client_address;
  pull.known_version = read_known_version(request.message[http_field::if_none_match]);
  pull.wait = read_wait(request.message["Prefer"]);
  const auto known = pull.known_version;
  const auto patience = pull.wait + actors::local_timeout;
  const counted waits{context_.load->waiting_pulls};
  auto current = co_await context_.port->ask<actors::connector_configuration>(
      handles_of(context_).connectors, patience, actors::pull_atom_v, std::move(pull));
  if (!current) co_return current.error();
  http_response response{http_status::not_modified, 11};
  if (current->version != known) {
    response.result(http_status::ok);
    response.set(http_field::content_type, "application/json");
    response.body() = actors::encode_connector_configuration(*current);
  }
  response.set(http_field::etag, '"' + std::to_string(current->version) + '"');
  response.set(http_field::cache_control, "no-store");
  response.set(http_field::vary, "Prefer");
  co_return response;
}

}  // namespace postern::edge
