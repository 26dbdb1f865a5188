#include "control/admin_client.hpp"

#include "control/json_access.hpp"
#include "control/terminal.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace postern::control {

namespace {

constexpr std::string_view base = "/api/v1";

runtime::http_request request_for(runtime::http_verb verb, std::string_view path) {
  return make_request(verb, std::string{base}.append(path));
}

void append_part(std::string& out, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  out.append(out.empty() ? "" : ", ").append(name).append(" ").append(printable(value));
}

}  // namespace

std::string describe_problem(const runtime::http_response& response) {
  auto reason = response.reason();
  auto status = "status " + std::to_string(response.result_int());
  boost::json::error_code code;
  auto value = is_json(response) ? boost::json::parse(response.body(), code) : boost::json::value{};
  const auto* problem = code ? nullptr : value.if_object();
  if (!problem) return printable({reason.data(), reason.size()}) + " (" + status + ")";
  auto out = printable(text_of(*problem, "title"));
  if (out.empty()) out = status;
  if (auto detail = text_of(*problem, "detail"); !detail.empty())
    out.append(": ").append(printable(detail));
  std::string parts;
  append_part(parts, "cause", text_of(*problem, "cause"));
  append_part(parts, "source", text_of(*problem, "source"));
  append_part(parts, "request", text_of(*problem, "request_id"));
  return parts.empty() ? out : out + " (" + parts + ")";
}

outcome<boost::json::value> admin_client::get(std::string_view path) const {
  return call(request_for(runtime::http_verb::get, path));
}

outcome<boost::json::value> admin_client::post(std::string_view path,
                                               const boost::json::value& content) const {
  auto request = request_for(runtime::http_verb::post, path);
  request.set(runtime::http_field::content_type, "application/json");
  request.body() = boost::json::serialize(content);
  return call(std::move(request));
}

outcome<boost::json::value> admin_client::erase(std::string_view path) const {
  return call(request_for(runtime::http_verb::delete_, path));
}

outcome<boost::json::value> admin_client::call(runtime::http_request request) const {
  auto token = token_();
  if (!token) return token.error();
  request.set(runtime::http_field::authorization, "Bearer " + *token);
  auto response = send_(admin_, std::move(request));
  if (!response) return response.error();
  if (response->result_int() / 100 != 2) {
    auto text = describe_problem(*response);
    if (response->result() == runtime::http_status::unauthorized)
      text += "; sign in with `posternctl login`";
    return refusal(std::move(text));
  }
  if (response->body().empty()) return boost::json::value{};
  boost::json::error_code code;
  auto value = boost::json::parse(response->body(), code);
  if (code || !is_json(*response))
    return refusal(admin_.authority() + ": expected JSON, found something else");
  return outcome<boost::json::value>{boost::system::in_place_value, std::move(value)};
}

}  // namespace postern::control
