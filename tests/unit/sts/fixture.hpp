#pragma once
// A provider with a clock that stands still, and a browser in front of it that keeps cookies: what
// the suites of sts/ share.

#include "runtime/encoding.hpp"
#include "runtime/jose.hpp"
#include "sts/incoming.hpp"
#include "sts/provider.hpp"

#include <boost/json/parse.hpp>
#include <openssl/evp.h>

#include <map>
#include <memory>
#include <regex>
#include <string>
#include <vector>

namespace postern::sts::testing {

namespace rt = postern::runtime;

inline constexpr const char* issuer = "https://sts.example:8443";
inline constexpr const char* callback = "https://wiki.example/.postern/callback";
// RFC 7636, appendix B.
inline constexpr const char* verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
inline constexpr const char* challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The same text form as runtime::hash_password, with parameters so small that hundreds of sign-ins
/// take no time.
inline std::string hash_of(const std::string& password) {
  const std::string salt = "sixteen bytes!!!";
  std::string hash(32, '\0');
  auto done = EVP_PBE_scrypt(password.data(), password.size(),
                             reinterpret_cast<const uint8_t*>(salt.data()), salt.size(), 16, 8, 1,
                             0, reinterpret_cast<uint8_t*>(hash.data()), hash.size());
  rt::ensure(done == 1, "scrypt works");
  auto base64 = [](const std::string& bytes) {
    auto text = rt::to_base64(bytes);
    return text.substr(0, text.find('='));
  };
  return "$scrypt$ln=4,r=8,p=1$" + base64(salt) + "$" + base64(hash);
}

inline std::vector<config::user> people() {
  config::user ada{"ada",
                   "Ada Lovelace",
                   "ada@example.com",
                   {"staff", "administrators"},
                   hash_of("correct horse"),
                   false};
  config::user bob{"bob", "", "", {}, hash_of("battery staple"), false};
  config::user eve{"eve", "Eve", "eve@example.com", {}, hash_of("correct horse"), true};
  return {ada, bob, eve};
}

inline std::vector<client> applications() {
  client wiki{"wiki", {callback}, {"https://wiki.example/"}};
  wiki.display_name = "The <Wiki>";
  client mail{"mail", {"https://mail.example/back?x=1"}, {"https://mail.example/"}};
  mail.secret_hash = hash_of("s3cret & more");
  client tool{"tool", {}, {}};
  tool.device_grant = true;
  tool.access_token_audience = "postern-admin";
  tool.display_name = "Command line";
  return {wiki, mail, tool};
}

struct provider_fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{42};
  std::unique_ptr<rt::store> store = rt::make_memory_store();
  std::vector<rt::sealing_key> sealing{rt::make_sealing_key(random)};
  std::vector<event> events;
  options settings = make_options();
  std::unique_ptr<provider> sts;
  std::map<std::string, std::string> cookies;  ///< of the browser
  std::string address = "203.0.113.7";

  provider_fixture() { restart(); }

  options make_options() {
    options o;
    o.issuer = issuer;
    o.observer = [this](const event& e) { events.push_back(e); };
    return o;
  }

  /// A new process on the same store.
  void restart() {
    sts.reset();
    auto ring = std::make_shared<const rt::key_ring>(sealing, random);
    sts = std::make_unique<provider>(settings, people(), *store, ring, clock, random);
    sts->start().value();
    sts->set_clients(applications());
  }

  rt::http_response send(rt::http_request request) {
    std::string all;
    for (const auto& [name, value] : cookies)
      all.append(all.empty() ? "" : "; ").append(name).append("=").append(value);
    if (!all.empty()) request.set(rt::http_field::cookie, all);
    auto response = sts->handle(request, address);
    auto range = response.equal_range(rt::http_field::set_cookie);
    for (auto field = range.first; field != range.second; ++field)
      keep_cookie(std::string{field->value()});
    return response;
  }

  rt::http_response get(const std::string& target) {
    return send({rt::http_verb::get, target, 11});
  }

  rt::http_response get(const std::string& path, const fields& query) {
    return get(path + "?" + rt::make_form(query));
  }

  static rt::http_request post_request(const std::string& path, const fields& form) {
    rt::http_request request{rt::http_verb::post, path, 11};
    request.set(rt::http_field::content_type, "application/x-www-form-urlencoded");
    request.body() = rt::make_form(form);
    return request;
  }

  rt::http_response post(const std::string& path, const fields& form) {
    return send(post_request(path, form));
  }

  /// What an application sends a browser with.
  static fields wiki_request() {
    return {{"client_id", "wiki"},         {"redirect_uri", callback},
            {"response_type", "code"},     {"scope", "openid"},
            {"state", "st/ate=1"},         {"nonce", "n-1"},
            {"code_challenge", challenge}, {"code_challenge_method", "S256"}};
  }

  static fields wiki_request(const fields& changes) {
    auto request = wiki_request();
    for (const auto& [name, value] : changes) {
      request.erase(name);
      if (!value.empty()) request[name] = value;
    }
    return request;
  }

  /// The form's hidden field, or an empty text.
  static std::string form_of(const rt::http_response& response) {
    std::smatch found;
    static const std::regex hidden{"name=\"form\" value=\"([^\"]*)\""};
    return std::regex_search(response.body(), found, hidden) ? found[1].str() : "";
  }

  rt::http_response sign_in(const rt::http_response& shown, const std::string& name = "ada",
                            const std::string& password = "correct horse") {
    return post("/sign-in", {{"form", form_of(shown)}, {"name", name}, {"password", password}});
  }

  static std::string location(const rt::http_response& response) {
    return std::string{response[rt::http_field::location]};
  }

  /// The parameters of a redirect to that address; none if it goes elsewhere.
  static fields redirected(const rt::http_response& response, const std::string& to = callback) {
    auto where = location(response);
    if (response.result() != rt::http_status::see_other || !where.starts_with(to) ||
        where.size() == to.size())
      return {};
    return rt::parse_form(where.substr(to.size() + 1)).value_or(fields{});
  }

  static fields code_form(const std::string& code) {
    return {{"grant_type", "authorization_code"},
            {"client_id", "wiki"},
            {"code", code},
            {"redirect_uri", callback},
            {"code_verifier", verifier}};
  }

  /// Signs ada in for the wiki and returns the code.
  std::string fresh_code() {
    auto response = get("/authorize", wiki_request());
    if (response.result() == rt::http_status::ok) response = sign_in(response);
    return redirected(response)["code"];
  }

  boost::json::object fresh_tokens() { return json_of(post("/token", code_form(fresh_code()))); }

  static boost::json::object json_of(const rt::http_response& response) {
    boost::system::error_code failed;
    auto value = boost::json::parse(response.body(), failed);
    return failed || !value.is_object() ? boost::json::object{} : value.get_object();
  }

  static std::string text(const boost::json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    return value && value->is_string() ? std::string{value->get_string()} : "";
  }

  static std::string error(const rt::http_response& response) {
    return text(json_of(response), "error");
  }

  /// By value: checks keep references beyond the expression.
  static rt::jws_header header_of(const std::string& token) {
    return rt::read_jws_header(token).value();
  }

  /// The claims if the token verifies by the published keys, else nothing.
  boost::json::object verified(const std::string& token) {
    auto keys = rt::key_set::parse(get("/jwks").body());
    if (!keys) return {};
    auto claims = keys->verify(token);
    return claims ? *claims : boost::json::object{};
  }

  static unsigned status(const rt::http_response& response) { return response.result_int(); }

 private:
  void keep_cookie(const std::string& line) {
    auto pair = line.substr(0, line.find(';'));
    auto equals = pair.find('=');
    if (line.find("Max-Age=0") != std::string::npos)
      cookies.erase(pair.substr(0, equals));
    else
      cookies[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
};

}  // namespace postern::sts::testing
