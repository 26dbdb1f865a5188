#define CAF_SUITE client_hello
#include "edge/client_hello.hpp"

#include "runtime/tls_context.hpp"

#include <caf/test/dsl.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>

using namespace postern::edge;
namespace rt = postern::runtime;

namespace {

/// What OpenSSL sends first to a server of that name; empty: it names none.
std::string hello_for(const std::string& name) {
  rt::ssl_context_ptr context{SSL_CTX_new(TLS_client_method())};
  rt::ssl_ptr connection{SSL_new(context.get())};
  auto* sent = BIO_new(BIO_s_mem());
  SSL_set_bio(connection.get(), BIO_new(BIO_s_mem()), sent);
  if (!name.empty()) SSL_set_tlsext_host_name(connection.get(), name.c_str());
  SSL_connect(connection.get());
  ERR_clear_error();
  char* data = nullptr;
  const auto size = BIO_get_mem_data(sent, &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace

CAF_TEST(the name is read in lower case) {
  const auto read = read_client_hello(hello_for("Connect.Example.COM"));
  CAF_CHECK(read.kind == hello_kind::named);
  CAF_CHECK_EQUAL(read.name, "connect.example.com");
}

CAF_TEST(what follows the first record does not matter) {
  CAF_CHECK_EQUAL(read_client_hello(hello_for("a.example") + "more").name, "a.example");
}

CAF_TEST(a hello without a name is another one) {
  const auto read = read_client_hello(hello_for(""));
  CAF_CHECK(read.kind == hello_kind::other);
  CAF_CHECK(read.name.empty());
}

CAF_TEST(a hello that has not come whole is waited for) {
  const auto whole = hello_for("a.example");
  for (size_t size = 0; size < whole.size(); ++size)
    CAF_CHECK(read_client_hello(whole.substr(0, size)).kind == hello_kind::incomplete);
}

CAF_TEST(what is no TLS is another one at once) {
  CAF_CHECK(read_client_hello("G").kind == hello_kind::other);
  CAF_CHECK(read_client_hello("GET / HTTP/1.1\r\n\r\n").kind == hello_kind::other);
}

CAF_TEST(lengths that lie lead nowhere) {
  const auto good = hello_for("a.example");
  for (size_t at = 5; at < good.size(); ++at)
    for (const char lie : {'\x00', '\x01', '\x7f', '\xff'}) {
      auto bad = good;
      bad[at] = lie;
      const auto read = read_client_hello(bad);
      CAF_CHECK(read.kind != hello_kind::incomplete);
      CAF_CHECK(read.name.size() < bad.size());
    }
}
