#include "sts/incoming.hpp"

#include "runtime/encoding.hpp"
#include "sts/limits.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace postern::sts {

namespace {

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::string_view trim(std::string_view text) {
  auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// parse_form keeps the first of two values; RFC 6749, 3.1 forbids two, and they are how filters get
// tricked.
std::string read_parameters(std::string_view text, fields& into) {
  auto parsed = runtime::parse_form(text);
  if (!parsed) return "malformed parameters";
  size_t pairs = 0;
  for (size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('&', at), text.size());
    if (end > at) ++pairs;
    at = end + 1;
  }
  if (pairs != parsed->size()) return "a parameter is repeated";
  std::erase_if(*parsed, [](const auto& p) { return p.second.empty(); });
  into = std::move(*parsed);
  return {};
}

void read_cookies(std::string_view text, std::vector<std::pair<std::string, std::string>>& into) {
  for (size_t at = 0; at < text.size();) {
    auto end = std::min(text.find(';', at), text.size());
    auto pair = trim(text.substr(at, end - at));
    at = end + 1;
    auto equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    into.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
}

bool is_form(std::string_view content_type) {
  auto kind = trim(content_type.substr(0, content_type.find(';')));
  return boost::beast::iequals(boost::beast::string_view{kind.data(), kind.size()},
                               "application/x-www-form-urlencoded");
}

}  // namespace

const std::string& value_of(const fields& all, const std::string& name) {
  static const std::string none;
  auto found = all.find(name);
  return found == all.end() ? none : found->second;
}

incoming read_incoming(const runtime::http_request& request, std::string_view address) {
  incoming in;
  in.method = request.method();
  in.address = address;
  in.request_id = view(request["X-Request-Id"]);
  in.authorization = view(request[runtime::http_field::authorization]);
  auto target = view(request.target());
  auto question = std::min(target.find('?'), target.size());
  in.path = target.substr(0, question);
  if (target.size() > limits::target || request.body().size() > limits::content) {
    in.problem = "too long";
    return in;
  }
  if (question < target.size()) in.problem = read_parameters(target.substr(question + 1), in.query);
  auto posted = in.is_post() && is_form(view(request[runtime::http_field::content_type]));
  if (posted && in.problem.empty()) in.problem = read_parameters(request.body(), in.form);
  auto range = request.equal_range(runtime::http_field::cookie);
  for (auto field = range.first; field != range.second; ++field)
    read_cookies(view(field->value()), in.cookies);
  return in;
}

}  // namespace postern::sts
