#include "config/connector.hpp"

#include "config/log_reader.hpp"
#include "config/published_fields.hpp"
#include "config/toml_reader.hpp"
#include "config/url.hpp"
#include "config/wording.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

#include <algorithm>
#include <charconv>
#include <set>

namespace postern::config {

namespace {

/// Reads "host:port=address", the form that curl's --resolve made familiar.
bool parse_resolve(std::string_view text, origin_options& out) {
  auto equals = text.find('=');
  auto colon = text.substr(0, equals).rfind(':');
  if (equals == text.npos || colon == text.npos) return false;
  auto digits = text.substr(colon + 1, equals - colon - 1);
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  out.host = lower_case(text.substr(0, colon));
  out.address = text.substr(equals + 1);
  bool is_address =
      boost::urls::parse_ipv4_address(out.address) || boost::urls::parse_ipv6_address(out.address);
  return code == std::errc{} && end == digits.data() + digits.size() && out.port != 0 &&
         is_host_name(out.host) && is_address;
}

origin_options read_origin(toml_section& s) {
  origin_options out;
  std::string resolve;
  s.read("application", out.application);
  s.read_path("ca_file", out.ca_file);
  s.read_path("client_certificate_file", out.client_certificate_file);
  s.read("resolve", resolve);
  s.finish();
  if (out.application.empty()) s.fail("application", expected("the name of an application", ""));
  if (!resolve.empty() && !parse_resolve(resolve, out)) {
    s.fail("resolve", expected(R"("HOST:PORT=ADDRESS" such as "wiki.corp:443=10.0.0.5")", resolve));
  }
  return out;
}

/// What is wrong with a proxy's URL; empty: nothing.
std::string check_proxy(std::string_view text) {
  if (text.empty() || text == "none") return {};
  if (text.find('@') != text.npos)
    return "expected no credentials here, they belong into the file of proxy_credentials_file";
  const auto url = parse_web_url(text);
  if (url && url->scheme == "http" && url->path == "/") return {};
  return expected(R"("http://HOST:PORT" or "none")", text);
}

}  // namespace

const origin_options* connector::find_origin(std::string_view application) const noexcept {
  auto at = std::find_if(origins.begin(), origins.end(),
                         [&](const origin_options& o) { return o.application == application; });
  return at == origins.end() ? nullptr : &*at;
}

result<std::string> parse_service_url(std::string_view text) {
  auto url = parse_web_url(text);
  if (!url) return url.error();
  if (url->scheme != "https" || url->path != "/") {
    return problem{
        .message = expected(R"(an https URL without a path, such as "https://connect.example.com")",
                            text)};
  }
  return {boost::system::in_place_value, url->text()};
}

result<connector> load_connector(const std::string& path) {
  return load_with(path, parse_connector);
}

result<connector> parse_connector(std::string_view text, const std::string& file) {
  toml_document document{text, file};
  auto root = document.root();
  connector c;
  std::string service;
  root.read("service", service);
  root.read_path("ca_file", c.ca_file);
  root.read("name", c.name);
  root.read("proxy", c.proxy);
  root.read_path("proxy_credentials_file", c.proxy_credentials_file);
  root.read("no_proxy", c.no_proxy);
  read_log(root.section("log"), c.log);
  std::set<std::string> applications;
  for (auto& s : root.sections("origin")) {
    c.origins.push_back(read_origin(s));
    if (!applications.insert(c.origins.back().application).second) {
      s.fail("application", "expected one [[origin]] per application, found a second one");
    }
  }
  root.finish();
  if (auto wrong = check_proxy(c.proxy); !wrong.empty()) root.fail("proxy", wrong);
  auto url = parse_service_url(service);
  if (!url) root.fail("service", url.error().message);
  if (document.failure()) return *document.failure();
  c.service = *url;
  return c;
}

std::string to_toml(const connector& c) {
  std::string out = "service = " + toml_text(c.service) + "\n";
  if (!c.ca_file.empty()) out += "ca_file = " + toml_text(c.ca_file) + "\n";
  if (!c.name.empty()) out += "name = " + toml_text(c.name) + "\n";
  if (!c.proxy.empty()) out += "proxy = " + toml_text(c.proxy) + "\n";
  if (!c.proxy_credentials_file.empty())
    out += "proxy_credentials_file = " + toml_text(c.proxy_credentials_file) + "\n";
  if (!c.no_proxy.empty()) {
    out += "no_proxy = [";
    for (const char* separator = ""; const auto& host : c.no_proxy) {
      out += separator + toml_text(host);
      separator = ", ";
    }
    out += "]\n";
  }
  out +=
      "\n[log]\nlevel = " + toml_text(c.log.level) + "\nformat = " + toml_text(c.log.format) + "\n";
  if (!c.log.file.empty()) out += "file = " + toml_text(c.log.file) + "\n";
  out += std::string{"access = "} + (c.log.access ? "true" : "false") + "\n";
  for (const auto& o : c.origins) {
    out += "\n[[origin]]\napplication = " + toml_text(o.application) + "\n";
    if (!o.ca_file.empty()) out += "ca_file = " + toml_text(o.ca_file) + "\n";
    if (!o.client_certificate_file.empty())
      out += "client_certificate_file = " + toml_text(o.client_certificate_file) + "\n";
    if (!o.host.empty()) {
      out +=
          "resolve = " + toml_text(o.host + ":" + std::to_string(o.port) + "=" + o.address) + "\n";
    }
  }
  return out;
}

}  // namespace postern::config
