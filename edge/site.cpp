#include "edge/site.hpp"

#include "edge/refusal.hpp"
#include "runtime/http_fields.hpp"
#include "runtime/log.hpp"
#include "sts/provider.hpp"

namespace postern::edge {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::http_field;
using runtime::http_response;
using runtime::http_status;

namespace {

http_response refuse(const error& why, const service_request& request) {
  const auto& m = request.message;
  return make_refusal(why, request.request_id,
                      choose_form(m["Sec-Fetch-Mode"], m["Sec-Fetch-Dest"], m["X-Requested-With"],
                                  m[http_field::accept]));
}

/// Version, length and request id; no content where none may be (RFC 9110, 15.4.5).
void complete(http_response& response, const service_request& request) {
  response.version(11);
  response.set("X-Request-Id", request.request_id);
  const bool bare = response.result() == http_status::not_modified ||
                    response.result() == http_status::no_content;
  if (bare)
    response.body().clear();
  else
    response.prepare_payload();
}

}  // namespace

site::site(edge_context& context) : context_(context), admin_(context), connectors_(context) {}

bool site::is_service_host(std::string_view host) const noexcept {
  const auto& names = context_.options.names;
  return runtime::iequals(host, names.service) || runtime::iequals(host, names.admin) ||
         (context_.sts != nullptr && runtime::iequals(host, names.sts));
}

awaitable<http_response> site::handle(service_request request) {
  http_response response;
  try {
    response = co_await dispatch(request);
  } catch (const std::exception& e) {
    runtime::log_event(spdlog::level::err, "service_request_failed",
                       {{"detail", e.what()}, {"request_id", request.request_id}});
    response = refuse({error_category::internal, "internal", "service", {}}, request);
  }
  complete(response, request);
  co_return response;
}

awaitable<http_response> site::dispatch(service_request& request) {
  const auto& names = context_.options.names;
  if (runtime::iequals(request.host, names.admin)) co_return co_await admin_.handle(request);
  if (runtime::iequals(request.host, names.service)) co_return co_await connectors_.handle(request);
  if (context_.sts != nullptr && runtime::iequals(request.host, names.sts))
    co_return co_await ask_sts(request);
  co_return refuse({error_category::not_found, "application_unknown", "application", {}}, request);
}

awaitable<http_response> site::ask_sts(service_request& request) {
  // The provider believes this field, so a client's own must not be there.
  request.message.set("X-Request-Id", request.request_id);
  auto work = [this, &request] {
    return context_.sts->handle(request.message, request.client_address);
  };
  co_return co_await context_.pool.run_blocking(work);
}

}  // namespace postern::edge
