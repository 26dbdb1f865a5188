#define CAF_SUITE tls_context
#include "runtime/tls_context.hpp"

#include "runtime/openssl_ptr.hpp"
#include "tests/unit/runtime/tls_authority.hpp"

#include <caf/test/unit_test.hpp>
#include <openssl/pem.h>

using namespace postern::runtime;
using namespace postern::test;

namespace {

using texts = std::vector<std::string>;
using usage = tls_authority::usage;
using server_ptr = std::shared_ptr<tls_server_context>;
using client_ptr = std::shared_ptr<tls_client_context>;

const tls_authority ours{"ours"}, theirs{"theirs"};

server_ptr serve(const std::vector<tls_identity>& identities,
                 const std::vector<tls_name_rule>& rules = {}) {
  return tls_server_context::make(identities, rules, {"http/1.1"}).value();
}

/// With a name that takes certificates and one that does not.
server_ptr serve_tunnels() {
  return serve({ours.server({"tunnel.example", "user.example"})},
               {{"tunnel.example", ours.pem(), {}}});
}

client_ptr trust(const std::string& authorities, const tls_identity& own = {}) {
  const tls_client_options options{.system_authorities = false,
                                   .authorities_pem = authorities,
                                   .certificate_pem = own.certificate_pem,
                                   .key_pem = own.key_pem};
  return tls_client_context::make(options).value();
}

client_ptr speak(const texts& protocols) {
  return tls_client_context::make({.verify = false, .protocols = protocols}).value();
}

/// The key behind a password.
std::string lock(const std::string& pem) {
  const auto in = read_only_bio(pem);
  const evp_pkey_ptr key{PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)};
  const bio_ptr out{BIO_new(BIO_s_mem())};
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), "secret", 6, nullptr,
                                nullptr);
  return text_of(out.get());
}

bool accepts(const client_ptr& from, const server_ptr& to, const std::string& host) {
  return tls_ends{*from, *to, host}.shake_hands();
}

template <class T>
std::string cause(const result<T>& made) {
  if (made) return "none";
  CAF_CHECK(made.error().category == error_category::invalid_input);
  CAF_CHECK_EQUAL(ERR_peek_error(), 0u);  // or the thread's next TLS call would take it for its own
  return made.error().cause;
}

}  // namespace

CAF_TEST(the name that is asked for chooses the certificate) {
  const auto server =
      serve({ours.server({"first.example"}), ours.server({"second.example", "*.wild.example"}),
             ours.server({"exact.wild.example"})});
  const auto shown = [&](const std::string& host) {
    tls_ends c{*speak({}), *server, host};
    CAF_REQUIRE(c.shake_hands());
    return read_certificate_pem(peer_certificate_pem(c.client.get())).value().common_name;
  };
  CAF_CHECK_EQUAL(shown("SECOND.Example"), "second.example");
  CAF_CHECK_EQUAL(shown("any.wild.example"), "second.example");
  CAF_CHECK_EQUAL(shown("exact.wild.example"), "exact.wild.example");
  for (const auto* host : {"unknown.example", "wild.example", "a.b.wild.example", "127.0.0.1"})
    CAF_CHECK_EQUAL(shown(host), "first.example");
}

CAF_TEST(a certificate is good for its names and no others) {
  const auto server =
      serve({ours.server({"first.example"}), ours.server({"b.example", "*.c.org"})});
  tls_ends c{*speak({}), *server, "B.example"};
  CAF_REQUIRE(c.shake_hands());
  CAF_CHECK_EQUAL(server_name(c.server.get()), "b.example");
  for (const auto* host : {"b.example", "B.Example", "any.c.org"})
    CAF_CHECK(certificate_covers(c.server.get(), host));
  for (const auto* host : {"first.example", "c.org", "x.any.c.org", "xb.example", ""})
    CAF_CHECK(!certificate_covers(c.server.get(), host));
  CAF_CHECK(!certificate_covers(c.server.get(), std::string_view{"b.example"}.substr(0, 0)));
  const auto nameless = serve({ours.sign(tls_authority::profile("common.example", usage::server))});
  CAF_CHECK(!certificate_covers(nameless->make_connection().get(), "common.example"));
}

CAF_TEST(each name speaks its own protocols in the order of the server) {
  const auto server = serve({ours.server({"a.example"})}, {{"H2.example", {}, {"h2", "http/1.1"}}});
  const auto spoken = [&](const texts& offered, const std::string& host) {
    tls_ends c{*speak(offered), *server, host};
    if (!c.shake_hands()) return std::string{"refused"};
    CAF_CHECK_EQUAL(selected_protocol(c.client.get()), selected_protocol(c.server.get()));
    return std::string{selected_protocol(c.server.get())};
  };
  CAF_CHECK_EQUAL(spoken({"http/1.1", "h2"}, "h2.example"), "h2");
  CAF_CHECK_EQUAL(spoken({"http/1.1", "h2"}, "other.example"), "http/1.1");
  CAF_CHECK_EQUAL(spoken({"h2"}, "other.example"), "refused");
  CAF_CHECK_EQUAL(spoken({"spdy/3"}, "h2.example"), "refused");
  CAF_CHECK_EQUAL(spoken({}, "h2.example"), "");
}

CAF_TEST(a client certificate counts at the name of its authority only) {
  const auto server = serve_tunnels();
  const auto shown = [&](const tls_identity& own, const std::string& host) {
    tls_ends c{*trust(ours.pem(), own), *server, host};
    return c.shake_hands() ? peer_certificate_pem(c.server.get()) : "refused";
  };
  const auto client = ours.client();
  CAF_CHECK_EQUAL(shown(client, "tunnel.example"), client.certificate_pem);
  CAF_CHECK_EQUAL(shown(client, "user.example"), "");
  CAF_CHECK_EQUAL(shown({}, "tunnel.example"), "");
  CAF_CHECK_EQUAL(shown(theirs.client(), "tunnel.example"), "refused");
  CAF_CHECK_EQUAL(shown(ours.server({"tunnel.example"}), "tunnel.example"), "refused");
}

CAF_TEST(each connection gives one ticket but those that ask for a certificate give none) {
  const auto server = serve_tunnels();
  const auto client = trust(ours.pem(), ours.client());
  static openssl_ptr<SSL_SESSION, SSL_SESSION_free> last;  // the callback has no argument of ours
  static int sessions = 0;
  tls_ends first{*client, *server, "user.example"}, resumed{*client, *server, "user.example"};
  auto* context = SSL_get_SSL_CTX(first.client.get());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(
      context, [](SSL*, SSL_SESSION* fresh) { return last.reset(fresh), ++sessions, 1; });
  CAF_REQUIRE(first.shake_hands());
  CAF_REQUIRE_EQUAL(sessions, 1);
  SSL_set_session(resumed.client.get(), last.get());
  CAF_REQUIRE(resumed.shake_hands());
  CAF_CHECK_EQUAL(SSL_session_reused(resumed.client.get()), 1);
  CAF_CHECK_EQUAL(sessions, 2);
  tls_ends with_certificate{*client, *server, "tunnel.example"};
  CAF_REQUIRE(with_certificate.shake_hands());
  CAF_CHECK(!peer_certificate_pem(with_certificate.server.get()).empty());
  CAF_CHECK_EQUAL(sessions, 2);
}

CAF_TEST(who has shown a certificate shows it again in every version of TLS) {
  const auto server = serve_tunnels();
  const auto client = trust(ours.pem(), ours.client());
  const auto resumed = [&](const char* host, int version) {
    tls_ends first{*client, *server, host}, second{*client, *server, host};
    for (auto* one : {first.client.get(), second.client.get()})
      SSL_set_max_proto_version(one, version);
    CAF_REQUIRE(first.shake_hands());
    const openssl_ptr<SSL_SESSION, SSL_SESSION_free> known{SSL_get1_session(first.client.get())};
    SSL_set_session(second.client.get(), known.get());
    CAF_REQUIRE(second.shake_hands());
    return SSL_session_reused(second.client.get()) == 1;
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    CAF_CHECK(!resumed("tunnel.example", version));
  CAF_CHECK(resumed("user.example", TLS1_2_VERSION));
}

CAF_TEST(a server is believed for the names and addresses in its certificate) {
  const auto client = trust(ours.pem());
  const auto server = serve({ours.server({"a.example", "*.b.org"}, {"127.0.0.1", "::1"})});
  for (const auto* host : {"a.example", "A.example", "x.b.org", "127.0.0.1", "::1"})
    CAF_CHECK(accepts(client, server, host));
  for (const auto* host : {"b.example", "b.org", "x.y.b.org", "127.0.0.2", "::2"})
    CAF_CHECK(!accepts(client, server, host));
  CAF_CHECK(!accepts(client, serve({ours.server({"127.0.0.1"})}), "127.0.0.1"));
  CAF_CHECK(!accepts(client, serve({ours.server({"w*.b.org"})}), "www.b.org"));
  tls_ends by_address{*client, *server, "127.0.0.1"};
  CAF_REQUIRE(by_address.shake_hands());
  CAF_CHECK_EQUAL(server_name(by_address.server.get()), "");
}

CAF_TEST(only trusted authorities vouch and only for servers) {
  const auto server = serve({ours.server({"a.example"})});
  CAF_CHECK(accepts(trust(theirs.pem() + ours.pem()), server, "a.example"));
  CAF_CHECK(!accepts(trust(theirs.pem()), server, "a.example"));
  CAF_CHECK(!accepts(trust({}), server, "a.example"));
  CAF_CHECK(accepts(speak({}), server, "other.example"));  // told not to verify
  auto wrong_use = tls_authority::profile("a.example", usage::client);
  wrong_use.dns_names = {"a.example"};
  CAF_CHECK(!accepts(trust(ours.pem()), serve({ours.sign(wrong_use)}), "a.example"));
}

CAF_TEST(ciphers without authentication of the data are refused) {
  const auto server = serve({ours.server({"a.example"})});
  const auto accepted = [&](const char* cipher) {
    tls_ends c{*trust(ours.pem()), *server, "a.example"};
    SSL_set_max_proto_version(c.client.get(), TLS1_2_VERSION);
    CAF_REQUIRE_EQUAL(SSL_set_cipher_list(c.client.get(), cipher), 1);
    return c.shake_hands();
  };
  CAF_CHECK(accepted("ECDHE-ECDSA-AES128-GCM-SHA256"));
  CAF_CHECK(!accepted("ECDHE-ECDSA-AES128-SHA256"));
}

CAF_TEST(identities and authorities that cannot be used are refused) {
  const auto good = ours.server({"a.example"}), other = ours.server({"a.example"});
  for (const auto& bad : std::vector<tls_identity>{{},
                                                   {good.certificate_pem, other.key_pem},
                                                   {good.certificate_pem, "rubbish"},
                                                   {good.certificate_pem, lock(good.key_pem)},
                                                   {"rubbish", good.key_pem}})
    CAF_CHECK_EQUAL(cause(tls_server_context::make({good, bad}, {}, {})), "tls_identity");
  CAF_CHECK_EQUAL(cause(tls_server_context::make({good}, {{"a.example", good.key_pem, {}}}, {})),
                  "tls_identity");
  CAF_CHECK_EQUAL(cause(tls_client_context::make(
                      {.certificate_pem = good.certificate_pem, .key_pem = other.key_pem})),
                  "tls_identity");
  CAF_CHECK_EQUAL(cause(tls_client_context::make({.authorities_pem = good.key_pem})),
                  "tls_authorities");
}

CAF_TEST(a failure is told once) {
  ERR_raise(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH);
  ERR_raise(ERR_LIB_X509, X509_R_UNKNOWN_TRUST_ID);
  const auto told = tls_failure_text();
  CAF_CHECK(told.find("key values mismatch") < told.find("unknown trust id"));
  CAF_CHECK_EQUAL(tls_failure_text(), "no TLS detail");
}
