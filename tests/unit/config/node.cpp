#define CAF_SUITE node

#include "config/node.hpp"

#include <caf/test/dsl.hpp>

#include <filesystem>
#include <fstream>
#include <stdlib.h>

using namespace postern::config;
using namespace std::chrono_literals;

namespace {

const std::string names =
    "[names]\nservice = \"c.example\"\nadmin = \"a.example\"\nsts = \"s.example\"\n";

/// The smallest file, lines 1 to 7; `more` begins on line 8.
std::string with(const std::string& more) {
  return "data_directory = \"data\"\n" + names + "[sts]\nusers_file = \"users.toml\"\n" + more;
}

std::string refusal(const std::string& text) {
  auto n = parse_node(text, "/etc/postern/node.toml");
  return n ? "accepted" : to_string(n.error()).substr(std::string{"/etc/postern/"}.size());
}

/// A folder of its own that goes away with the test.
struct scratch {
  std::filesystem::path path;
  scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
    CAF_REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~scratch() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{path / name} << text;
    return (path / name).string();
  }
};

}  // namespace

CAF_TEST(the smallest file gets all defaults and absolute names) {
  auto n = parse_node(with(""), "/etc/postern/node.toml");
  CAF_REQUIRE(n.has_value());
  CAF_CHECK_EQUAL(n->data_directory, "/etc/postern/data");
  CAF_CHECK_EQUAL(n->sts.users_file, "/etc/postern/users.toml");
  CAF_CHECK_EQUAL(n->names.service, "c.example");
  CAF_CHECK_EQUAL(n->listen.port, 443);
  CAF_CHECK(n->connectors.renew_after == 180 * 24h);
  CAF_CHECK(n->session.lifetime == 8h);
  CAF_CHECK_EQUAL(n->administrators, "administrators");
}

CAF_TEST(every key is read) {
  auto n = parse_node(R"(data_directory = "/d"
administrators = "admins"
[listen]
address = "::"
port = 8443
public_port = 9443
http_port = 8080
shards = 2
[names]
service = "C.example"
admin = "a.example"
[[tls.certificate]]
certificate_file = "c.pem"
key_file = "/k.pem"
[sts]
enabled = false
issuer = "https://login.example"
issuer_ca_file = "ca.pem"
[connectors]
certificate_lifetime = "10d"
renew_after = "5d"
tunnels = 3
exchanges = 7
[session]
lifetime = "1h"
leeway = "0s"
[limits]
connections = 5000
connections_per_address = 10
requests_per_address = 20
requests_per_application = 30
[log]
level = "debug"
format = "json"
file = "log"
access = false
)",
                      "/etc/node.toml");
  CAF_REQUIRE(n.has_value());
  CAF_CHECK_EQUAL(n->listen.address, "::");
  CAF_CHECK_EQUAL(n->listen.port, 8443);
  CAF_CHECK_EQUAL(n->listen.public_port, 9443);
  CAF_CHECK_EQUAL(n->listen.http_port, 8080);
  CAF_CHECK_EQUAL(n->listen.shards, 2u);
  CAF_CHECK_EQUAL(n->names.service, "c.example");
  CAF_REQUIRE_EQUAL(n->tls.certificates.size(), 1u);
  CAF_CHECK_EQUAL(n->tls.certificates[0].certificate_file, "/etc/c.pem");
  CAF_CHECK_EQUAL(n->tls.certificates[0].key_file, "/k.pem");
  CAF_CHECK(!n->sts.enabled);
  CAF_CHECK_EQUAL(n->sts.issuer, "https://login.example");
  CAF_CHECK_EQUAL(n->sts.issuer_ca_file, "/etc/ca.pem");
  CAF_CHECK(n->connectors.certificate_lifetime == 240h);
  CAF_CHECK(n->connectors.renew_after == 120h);
  CAF_CHECK_EQUAL(n->connectors.tunnels, 3u);
  CAF_CHECK_EQUAL(n->connectors.exchanges, 7u);
  CAF_CHECK(n->session.lifetime == 1h);
  CAF_CHECK(n->session.leeway == 0s);
  CAF_CHECK_EQUAL(n->limits.connections, 5'000u);
  CAF_CHECK_EQUAL(n->limits.connections_per_address, 10u);
  CAF_CHECK_EQUAL(n->limits.requests_per_address, 20u);
  CAF_CHECK_EQUAL(n->limits.requests_per_application, 30u);
  CAF_CHECK_EQUAL(n->log.level, "debug");
  CAF_CHECK_EQUAL(n->log.format, "json");
  CAF_CHECK_EQUAL(n->log.file, "/etc/log");
  CAF_CHECK(!n->log.access);
  CAF_CHECK_EQUAL(n->administrators, "admins");
}

CAF_TEST(problems name line and key) {
  CAF_CHECK_EQUAL(
      refusal(with("[listen]\nport = 70000\n")),
      "node.toml:9: port: expected a whole number from 0 to 65535, found the number 70000");
  CAF_CHECK_EQUAL(
      refusal(with("[listen]\nport = -1\n")),
      "node.toml:9: port: expected a whole number from 0 to 65535, found the number -1");
  CAF_CHECK_EQUAL(refusal(with("[listen]\nport = \"443\"\n")),
                  "node.toml:9: port: expected a whole number from 0 to 65535, found \"443\"");
  CAF_CHECK_EQUAL(refusal(with("[listen]\nprot = 443\n")),
                  R"(node.toml:9: unknown key "prot"; did you mean "port"?)");
  CAF_CHECK_EQUAL(
      refusal(with("[log]\nlevel = \"loud\"\n")),
      R"(node.toml:9: level: expected "trace" or "debug" or "info" or "warn" or "error", found "loud")");
  CAF_CHECK_EQUAL(
      refusal(with("[session]\nlifetime = \"1500ms\"\n")),
      R"(node.toml:9: lifetime: expected whole seconds from 1s to 30d, found "1500ms")");
  CAF_CHECK_EQUAL(
      refusal(with("[listen]\naddress = \"here\"\n")),
      R"(node.toml:9: address: expected an IP address such as "0.0.0.0" or "::", found "here")");
  CAF_CHECK_EQUAL(
      refusal(with("listen = 1\n")),
      R"(node.toml:8: unknown key "listen"; known are enabled, issuer, issuer_ca_file, users_file)");
  CAF_CHECK_EQUAL(refusal("listen = 1\n"),
                  "node.toml:1: listen: expected a table such as [listen], found the number 1");
}

CAF_TEST(what is required is asked for) {
  CAF_CHECK_EQUAL(refusal(""),
                  "node.toml: users_file: expected the users of the built-in STS, found nothing");
  CAF_CHECK_EQUAL(refusal("[sts]\nusers_file = \"u\"\n" + names),
                  "node.toml: data_directory: expected a folder, found nothing");
  CAF_CHECK_EQUAL(
      refusal("data_directory = \"d\"\n[sts]\nusers_file = \"u\"\n[names]\nservice = \"c\"\n"),
      "node.toml:4: admin: expected a host name such as \"admin.example.com\", found nothing");
}

CAF_TEST(settings that contradict each other are refused) {
  CAF_CHECK_NOT_EQUAL(refusal(with("issuer = \"https://x.example\"\n")), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal(with("[connectors]\nrenew_after = \"365d\"\n")), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal(with("[listen]\nport = 80\nhttp_port = 80\n")), "accepted");
  CAF_CHECK_NOT_EQUAL(refusal("data_directory = \"d\"\n" + names + "[sts]\nenabled = false\n"),
                      "accepted");
  CAF_CHECK_NOT_EQUAL(refusal("data_directory = \"d\"\n" + names +
                              "[sts]\nenabled = false\nissuer = \"http://x.example\"\n"),
                      "accepted");
  auto same = with("");
  same.replace(same.find("a.example"), 9, "c.example");
  CAF_CHECK_EQUAL(refusal(same),
                  "node.toml:4: admin: expected another name than `service`, found the same");
}

CAF_TEST(files that the text names are looked at when a file is loaded) {
  scratch folder;
  auto path = folder.write(
      "node.toml",
      with("[[tls.certificate]]\ncertificate_file = \"c.pem\"\nkey_file = \"k.pem\"\n"));
  auto message = [&] {
    auto n = load_node(path);
    return n ? "accepted" : to_string(n.error()).substr(folder.path.string().size() + 1);
  };
  CAF_CHECK(message().starts_with(
      "node.toml:9: certificate_file: expected a file, found: No such file or directory ("));
  folder.write("c.pem", "-----BEGIN CERTIFICATE-----\n");
  folder.write("k.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
  CAF_CHECK(message().starts_with(
      "node.toml:10: key_file: expected an unencrypted PEM private key, found something else in "));
  folder.write("k.pem", "-----BEGIN PRIVATE KEY-----\n");
  CAF_CHECK(message().starts_with(
      "node.toml:7: users_file: expected a file, found: No such file or directory ("));
  folder.write("users.toml", "");
  CAF_CHECK_EQUAL(message(), "accepted");
}

CAF_TEST(a server as the store needs the file with its connection string) {
  const auto n = parse_node(with("[store]\nkind = \"postgres\"\nconnection_file = \"pg\"\n"),
                            "/etc/postern/node.toml");
  CAF_REQUIRE(n.has_value());
  CAF_CHECK_EQUAL(n->store.connection_file, "/etc/postern/pg");
  CAF_CHECK(refusal(with("[store]\nkind = \"postgres\"\n")).find("connection_file") !=
            std::string::npos);
  CAF_CHECK(refusal(with("[store]\nconnection_file = \"pg\"\n")).find("connection_file") !=
            std::string::npos);
  CAF_CHECK(refusal(with("[store]\nkind = \"oracle\"\n")).find("kind") != std::string::npos);
}

namespace {

const std::string shared_store = "[store]\nkind = \"postgres\"\nconnection_file = \"pg\"\n";

std::string cluster_without(const std::string& left_out, const std::string& more = "") {
  std::string text = shared_store + "[cluster]\n" + more;
  for (const std::string line : {"address = \"192.0.2.1:7443\"", "certificate_file = \"c\"",
                                 "key_file = \"k\"", "authority_file = \"a\""})
    if (!line.starts_with(left_out + " ")) text += line + "\n";
  return with(text);
}

}  // namespace

CAF_TEST(a cluster has defaults for what follows from its address) {
  const auto n = parse_node(cluster_without("nothing"), "/etc/postern/node.toml");
  CAF_REQUIRE(n.has_value());
  CAF_CHECK_EQUAL(n->cluster.listen_address, "192.0.2.1");
  CAF_CHECK_EQUAL(n->cluster.service_address, "192.0.2.1:443");
  CAF_CHECK_EQUAL(n->cluster.authority_file, "/etc/postern/a");
  const auto alone = parse_node(with(""), "/etc/postern/node.toml");
  CAF_CHECK(alone->cluster.address.empty());
}

CAF_TEST(a cluster without one of its three files or its address is refused) {
  for (const std::string key : {"certificate_file", "key_file", "authority_file", "address"})
    CAF_CHECK(refusal(cluster_without(key)).find(key) != std::string::npos);
}

CAF_TEST(a cluster needs a shared store and addresses that need no look - up) {
  CAF_CHECK(refusal(with("[cluster]\naddress = \"192.0.2.1:7443\"\ncertificate_file = \"c\"\n"
                         "key_file = \"k\"\nauthority_file = \"a\"\n"))
                .find("store.kind") != std::string::npos);
  CAF_CHECK(refusal(cluster_without("address", "address = \"node:7443\"\n")).find("address") !=
            std::string::npos);
  CAF_CHECK(refusal(cluster_without("nothing", "peers = [\"other\"]\n")).find("peers") !=
            std::string::npos);
  CAF_CHECK(
      refusal(cluster_without("nothing", "service_address = \"x\"\n")).find("service_address") !=
      std::string::npos);
}
