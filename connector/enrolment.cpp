#include "connector/enrolment.hpp"

#include "config/connector.hpp"
#include "connector/device_grant.hpp"
#include "connector/est_client.hpp"
#include "connector/limits.hpp"
#include "runtime/files.hpp"
#include "runtime/limits.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <unistd.h>

namespace postern::connector {

using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::result;

namespace {

constexpr const char* discovery_path = "/.well-known/postern";
// RFC 5280, ub-common-name.
constexpr size_t longest_name = 64;

error invalid(std::string cause, std::string detail) {
  return {error_category::invalid_input, std::move(cause), "enrolment", std::move(detail)};
}

std::string machine_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "connector";
  return std::string{name}.substr(0, longest_name);
}

bool is_display_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name &&
         std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

void say(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void show_prompt(const device_prompt& prompt) {
  say("To sign in as an administrator, open\n\n    " + prompt.verification_uri +
      "\n\nin a browser on any machine and enter the code\n\n    " + prompt.user_code +
      "\n\nWaiting for the sign-in ...");
}

/// What is known before anybody is asked.
struct preparation {
  state_directory state;
  config::connector configuration;
  std::string authorities_pem;
  std::shared_ptr<const runtime::proxy_settings> proxies;
  std::string group;
  std::string token;  // a secret; empty: sign in
};

result<std::string> read_authorities(const std::string& file) {
  if (file.empty()) return std::string{};
  auto pem = runtime::read_file(file);
  if (!pem) return pem;
  if (pem->size() > limits::authorities_bytes ||
      pem->find("-----BEGIN CERTIFICATE-----") == pem->npos)
    return invalid("authorities_malformed", file + " holds no certificate");
  return pem;
}

/// What people have added to the file of an earlier enrolment stays; one that cannot be read is
/// theirs to repair, not ours to replace.
result<config::connector> earlier_configuration(const state_directory& state) {
  if (::access(state.configuration_file().c_str(), F_OK) != 0) return config::connector{};
  auto found = config::load_connector(state.configuration_file());
  if (!found) return invalid("configuration_malformed", to_string(found.error()));
  return std::move(*found);
}

result<preparation> prepare(const enrolment_options& options) {
  preparation p{state_directory{options.state_directory}, {}, {}, nullptr, options.group, {}};
  if (!options.force && ::access(p.state.identity_file().c_str(), F_OK) == 0)
    return error{error_category::conflict, "already_enrolled", "enrolment",
                 options.state_directory + " holds an identity; --force replaces it"};
  auto earlier = earlier_configuration(p.state);
  if (!earlier) return earlier.error();
  p.configuration = std::move(*earlier);
  const auto service = config::parse_service_url(options.service);
  if (!service) return invalid("service_malformed", "--service: " + service.error().message);
  p.configuration.service = *service;
  p.configuration.name = options.name.empty() ? machine_name() : options.name;
  if (!is_display_name(p.configuration.name))
    return invalid("name_malformed", "--name: expected 1 to 64 printable characters");
  auto authorities = read_authorities(options.authorities_file);
  if (!authorities) return authorities.error();
  p.authorities_pem = std::move(*authorities);
  // Relative, so that the directory may be moved.
  p.configuration.ca_file = p.authorities_pem.empty() ? "" : service_authority_name;
  if (!options.proxy.empty()) p.configuration.proxy = options.proxy;
  if (!options.proxy_credentials_file.empty())
    p.configuration.proxy_credentials_file =
        std::filesystem::absolute(options.proxy_credentials_file);
  auto proxies = make_proxies(p.configuration);
  if (!proxies) return proxies.error();
  p.proxies = std::move(*proxies);
  if (!options.token_file.empty()) {
    auto token = read_token(options.token_file);
    if (!token) return token.error();
    p.token = std::move(*token);
  }
  // Before the service spends a one-time token, and last: a wrong word leaves no trace.
  if (auto writable = p.state.probe(); !writable) return writable.error();
  return p;
}

awaitable<result<std::string>> find_issuer(runtime::shard& home, const service_link& link) {
  auto answer = co_await link.fetch(home, link.url(discovery_path),
                                    runtime::http_request{runtime::http_verb::get, "/", 11},
                                    runtime::limits::fetch_timeout);
  if (!answer) co_return answer.error();
  if (answer->result() != runtime::http_status::ok) co_return refusal_of(*answer);
  boost::system::error_code malformed;
  const auto content = boost::json::parse(answer->body(), malformed);
  const auto* members = malformed ? nullptr : content.if_object();
  const auto* issuer = members ? members->if_contains("issuer") : nullptr;
  if (issuer == nullptr || !issuer->is_string() || !issuer->get_string().starts_with("https://"))
    co_return error{error_category::bad_gateway, "discovery_malformed", "service",
                    "this is no Postern service"};
  co_return std::string{issuer->get_string()};
}

awaitable<result<std::string>> credentials(runtime::shard& home, const service_link& link,
                                           std::string token) {
  if (!token.empty()) co_return token_credentials(token);
  auto issuer = co_await find_issuer(home, link);
  if (!issuer) co_return issuer.error();
  auto access_token = co_await sign_in_by_device(home, link, std::move(*issuer), &show_prompt);
  if (!access_token) co_return access_token.error();
  co_return bearer_credentials(*access_token);
}

result<void> write_state(const preparation& p, const std::string& authority_pem,
                         const identity& who) {
  if (auto made = p.state.make(); !made) return made;
  if (auto r = runtime::write_file_atomically(p.state.authority_file(), authority_pem, 0644); !r)
    return r;
  if (!p.authorities_pem.empty())
    if (auto r = runtime::write_file_atomically(p.state.service_authority_file(), p.authorities_pem,
                                                0644);
        !r)
      return r;
  if (auto r = runtime::write_file_atomically(p.state.configuration_file(),
                                              to_toml(p.configuration), 0644);
      !r)
    return r;
  return p.state.store_identity(who);
}

awaitable<result<void>> carry_out(runtime::shard& home, const preparation& p) {
  const auto anonymous =
      service_link::make(p.configuration.service, p.authorities_pem, std::nullopt, p.proxies);
  if (!anonymous) co_return anonymous.error();
  const auto& link = **anonymous;
  auto authorized = co_await credentials(home, link, p.token);
  if (!authorized) co_return authorized.error();
  auto who =
      co_await simple_enroll(home, link, p.group, p.configuration.name, std::move(*authorized));
  if (!who) co_return who.error();
  auto authority = co_await authority_certificates(home, link);
  if (!authority) co_return authority.error();
  if (auto written = write_state(p, *authority, *who); !written) co_return written;
  // What was written is what is tried.
  const auto own = service_link::make(p.configuration.service, p.authorities_pem, *who, p.proxies);
  if (!own) co_return own.error();
  pull_request first;
  auto pulled = co_await pull_configuration(home, **own, std::move(first));
  if (!pulled) co_return pulled.error();
  if (!pulled->configuration)
    co_return error{error_category::bad_gateway, "configuration_malformed", "service",
                    "an empty answer"};
  if (p.proxies && p.configuration.proxy.empty())
    say("went through the proxy " + p.proxies->proxy().shown() +
        ", as the environment says; a service needs it in " + p.state.configuration_file());
  say("enrolled: connector " + pulled->configuration->connector + " of group " +
      pulled->configuration->group + ", " +
      std::to_string(pulled->configuration->applications.size()) + " applications");
  co_return result<void>{};
}

std::string first_word(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  if (begin == text.npos) return {};
  const auto end = text.find_last_not_of(space);
  return std::string{text.substr(begin, end - begin + 1)};
}

}  // namespace

result<std::string> read_token(const std::string& file) {
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>{std::cin}, {});
  } else {
    auto content = runtime::read_file(file);
    if (!content) return content;
    text = std::move(*content);
  }
  auto token = text.size() > limits::token_bytes ? std::string{} : first_word(text);
  if (token.empty() ||
      std::ranges::any_of(token, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; }))
    return invalid("token_malformed", "expected an enrolment token, found something else");
  return token;
}

std::string explain(const error& why) {
  auto line = why.detail.empty() ? std::string{"refused"} : why.detail;
  if (why.cause == "tls_certificate") line = "the service's certificate does not hold: " + line;
  std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return line + " [" + why.cause + ", " + why.source + "]";
}

enrolment_outcome enroll(const enrolment_options& options) {
  const auto prepared = prepare(options);
  if (!prepared) return {prepared.error()};
  runtime::shard home{0};
  result<void> outcome = error{error_category::internal, "interrupted", "enrolment", {}};
  boost::asio::co_spawn(home.get_executor(), carry_out(home, *prepared),
                        [&](const std::exception_ptr& crashed, result<void> how) {
                          if (!crashed) outcome = std::move(how);
                          home.io().stop();
                        });
  home.io().run();
  return {std::move(outcome), true};
}

}  // namespace postern::connector
