#include "config/node.hpp"

#include "config/endpoint.hpp"
#include "config/log_reader.hpp"
#include "config/toml_reader.hpp"
#include "config/url.hpp"
#include "config/wording.hpp"

#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

namespace postern::config {

namespace {

using std::chrono::seconds;

constexpr seconds ten_years = std::chrono::hours{24 * 3650};
constexpr seconds ten_minutes{600};

/// What a file that node.toml names must hold, as far as its text can tell.
struct file_rule {
  std::string_view marker;  ///< empty: any text
  std::string_view wanted;
};

constexpr file_rule certificate_rule{"-----BEGIN CERTIFICATE-----", "a PEM certificate"};
constexpr file_rule key_rule{"PRIVATE KEY-----", "an unencrypted PEM private key"};
constexpr file_rule any_rule{"", "a file"};

/// Only load_node looks at the files that the text names: parse_node touches nothing.
enum class named_files : bool { ignored, checked };

void check_file(const toml_section& s, std::string_view key, const std::string& path,
                file_rule rule) {
  if (s.failed() || path.empty()) return;
  auto content = read_file(path);
  if (!content) return s.fail(key, content.error().message + " (" + path + ")");
  bool encrypted = content->find("ENCRYPTED PRIVATE KEY") != content->npos ||
                   content->find("Proc-Type: 4,ENCRYPTED") != content->npos;
  if (content->find(rule.marker) == content->npos || encrypted) {
    s.fail(key, std::string{"expected "}
                    .append(rule.wanted)
                    .append(", found something else in ")
                    .append(path));
  }
}

void read_listen(toml_section s, listen_options& out) {
  s.read("address", out.address);
  s.read("port", out.port, 0, 65'535);
  s.read("public_port", out.public_port, 0, 65'535);
  s.read("http_port", out.http_port, 0, 65'535);
  s.read("shards", out.shards, 0, 256);
  s.finish();
  if (s.failed()) return;
  if (!boost::urls::parse_ipv4_address(out.address) &&
      !boost::urls::parse_ipv6_address(out.address)) {
    return s.fail("address", expected(R"(an IP address such as "0.0.0.0" or "::")", out.address));
  }
  if (out.http_port != 0 && out.http_port == out.port) {
    s.fail("http_port", "expected another port than `port`, found the same");
  }
}

void read_name(toml_section& s, std::string_view key, std::string& out, bool required) {
  s.read(key, out);
  out = lower_case(out);
  if (s.failed() || (out.empty() && !required)) return;
  if (!is_host_name(out)) s.fail(key, expected("a host name such as \"admin.example.com\"", out));
}

void read_names(toml_section s, name_options& out, bool sts_enabled) {
  read_name(s, "service", out.service, true);
  read_name(s, "admin", out.admin, true);
  read_name(s, "sts", out.sts, sts_enabled);
  s.finish();
  if (s.failed()) return;
  if (out.admin == out.service)
    s.fail("admin", "expected another name than `service`, found the same");
  if (out.sts == out.service) s.fail("sts", "expected another name than `service`, found the same");
  if (out.sts == out.admin) s.fail("sts", "expected another name than `admin`, found the same");
}

void read_certificate(toml_section& s, certificate_files& out, named_files files) {
  s.read_path("certificate_file", out.certificate_file);
  s.read_path("key_file", out.key_file);
  s.finish();
  if (s.failed()) return;
  if (out.certificate_file.empty()) return s.fail("certificate_file", expected("a file", ""));
  if (out.key_file.empty()) return s.fail("key_file", expected("a file", ""));
  if (files == named_files::ignored) return;
  check_file(s, "certificate_file", out.certificate_file, certificate_rule);
  check_file(s, "key_file", out.key_file, key_rule);
}

void read_tls(toml_section s, tls_options& out, named_files files) {
  for (auto& certificate : s.sections("certificate")) {
    read_certificate(certificate, out.certificates.emplace_back(), files);
  }
  s.finish();
}

void check_issuer(const toml_section& s, const sts_options& sts) {
  if (sts.enabled) {
    if (!sts.issuer.empty()) {
      s.fail("issuer", expected("no issuer, because the built-in STS is enabled", sts.issuer));
    }
    return;
  }
  auto url = parse_web_url(sts.issuer);
  if (!url) return s.fail("issuer", url.error().message);
  if (url->scheme != "https" && !is_loopback(url->host))
    s.fail("issuer", expected("an https URL", sts.issuer));
}

void read_sts(toml_section s, sts_options& out, named_files files) {
  s.read("enabled", out.enabled);
  s.read_path("users_file", out.users_file);
  s.read("issuer", out.issuer);
  s.read_path("issuer_ca_file", out.issuer_ca_file);
  s.finish();
  if (s.failed()) return;
  check_issuer(s, out);
  if (out.enabled && out.users_file.empty()) {
    s.fail("users_file", expected("the users of the built-in STS", ""));
  }
  if (files == named_files::ignored) return;
  if (out.enabled) check_file(s, "users_file", out.users_file, any_rule);
  check_file(s, "issuer_ca_file", out.issuer_ca_file, certificate_rule);
}

void read_connectors(toml_section s, connector_options& out) {
  s.read("certificate_lifetime", out.certificate_lifetime, seconds{1}, ten_years);
  s.read("renew_after", out.renew_after, seconds{1}, ten_years);
  s.read("tunnels", out.tunnels, 1, 16);
  s.read("exchanges", out.exchanges, 1, 100'000);
  s.finish();
  if (out.renew_after >= out.certificate_lifetime) {
    s.fail("renew_after", "expected less than `certificate_lifetime`, found as much or more");
  }
}

void read_session(toml_section s, session_options& out) {
  s.read("lifetime", out.lifetime, seconds{1}, longest_session);
  s.read("leeway", out.leeway, seconds{0}, ten_minutes);
  s.finish();
}

void read_store(toml_section s, store_options& out, named_files files) {
  static constexpr std::string_view kinds[] = {"sqlite", "postgres"};
  s.read_choice("kind", out.kind, kinds);
  s.read_path("connection_file", out.connection_file);
  s.finish();
  if (s.failed()) return;
  const bool server = out.kind == "postgres";
  if (server && out.connection_file.empty())
    return s.fail("connection_file", expected("the file with the connection string", ""));
  if (!server && !out.connection_file.empty())
    return s.fail("connection_file", "expected none with the kind \"sqlite\", found one");
  if (files == named_files::checked)
    check_file(s, "connection_file", out.connection_file, any_rule);
}

void check_cluster_address(const toml_section& s, std::string_view key, const std::string& text) {
  if (!s.failed() && !parse_endpoint(text))
    s.fail(key, expected("an IP address with a port such as \"192.0.2.1:7443\"", text));
}

void read_cluster(toml_section s, cluster_options& out, const node& n, named_files files) {
  s.read("address", out.address);
  s.read("listen_address", out.listen_address);
  s.read("service_address", out.service_address);
  s.read_path("certificate_file", out.certificate_file);
  s.read_path("key_file", out.key_file);
  s.read_path("authority_file", out.authority_file);
  s.read("peers", out.peers);
  s.finish();
  const bool any = !out.listen_address.empty() || !out.service_address.empty() ||
                   !out.certificate_file.empty() || !out.key_file.empty() ||
                   !out.authority_file.empty() || !out.peers.empty();
  if (s.failed() || (out.address.empty() && !any)) return;
  check_cluster_address(s, "address", out.address);
  if (s.failed()) return;
  const auto own = *parse_endpoint(out.address);
  if (out.listen_address.empty()) out.listen_address = own.address;
  if (!boost::urls::parse_ipv4_address(out.listen_address) &&
      !boost::urls::parse_ipv6_address(out.listen_address))
    s.fail("listen_address", expected("an IP address", out.listen_address));
  if (out.service_address.empty())
    out.service_address = to_string(
        endpoint{own.address, n.listen.public_port != 0 ? n.listen.public_port : n.listen.port});
  check_cluster_address(s, "service_address", out.service_address);
  for (const auto& peer : out.peers)
    check_cluster_address(s, "peers", peer);
  // CAF encrypts without asking who is there if it has no certificate: never half of it.
  if (out.certificate_file.empty())
    s.fail("certificate_file", expected("a certificate of the cluster's authority", ""));
  if (out.key_file.empty()) s.fail("key_file", expected("the key of the certificate", ""));
  if (out.authority_file.empty()) s.fail("authority_file", expected("the cluster's authority", ""));
  if (n.store.kind != "postgres")
    s.fail("address", "expected a store that all nodes share (`store.kind`), found a file of one");
  if (files == named_files::ignored) return;
  check_file(s, "certificate_file", out.certificate_file, certificate_rule);
  check_file(s, "key_file", out.key_file, key_rule);
  check_file(s, "authority_file", out.authority_file, certificate_rule);
}

void read_limits(toml_section s, limit_options& out) {
  s.read("connections", out.connections, 0, 10'000'000);
  s.read("connections_per_address", out.connections_per_address, 0, 1'000'000);
  s.read("requests_per_address", out.requests_per_address, 0, 1'000'000);
  s.read("requests_per_application", out.requests_per_application, 0, 1'000'000);
  s.finish();
}

result<node> read_node(std::string_view text, const std::string& file, named_files files) {
  toml_document document{text, file};
  auto root = document.root();
  node n;
  root.read_path("data_directory", n.data_directory);
  root.read("administrators", n.administrators);
  read_listen(root.section("listen"), n.listen);
  read_tls(root.section("tls"), n.tls, files);
  read_sts(root.section("sts"), n.sts, files);
  read_names(root.section("names"), n.names, n.sts.enabled);
  read_connectors(root.section("connectors"), n.connectors);
  read_session(root.section("session"), n.session);
  read_limits(root.section("limits"), n.limits);
  read_log(root.section("log"), n.log);
  read_store(root.section("store"), n.store, files);
  read_cluster(root.section("cluster"), n.cluster, n, files);
  root.finish();
  if (n.data_directory.empty()) root.fail("data_directory", expected("a folder", ""));
  if (n.administrators.empty()) root.fail("administrators", expected("the name of a group", ""));
  if (document.failure()) return *document.failure();
  return n;
}

}  // namespace

result<node> load_node(const std::string& path) {
  return load_with(path, [](std::string_view text, const std::string& file) {
    return read_node(text, file, named_files::checked);
  });
}

result<node> parse_node(std::string_view text, const std::string& file) {
  return read_node(text, file, named_files::ignored);
}

}  // namespace postern::config
