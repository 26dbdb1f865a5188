#define CAF_SUITE client_authentication
#include "sts/client_authentication.hpp"

#include "tests/unit/sts/fixture.hpp"

#include <caf/test/unit_test.hpp>

using namespace postern::sts;
using namespace postern::sts::testing;
using std::chrono::seconds;

namespace {

struct fixture {
  rt::manual_wall_clock clock{rt::from_unix_seconds(1'700'000'000)};
  rt::seeded_random_source random{13};
  std::unique_ptr<rt::store> store = rt::make_memory_store();
  std::shared_ptr<const rt::key_ring> ring =
      std::make_shared<const rt::key_ring>(std::vector{rt::make_sealing_key(random)}, random);
  services all{{.issuer = issuer}, people(), *store, ring, clock, random};
  std::string address = "203.0.113.7";

  fixture() {
    auto clients = applications();
    client odd{"odd: +%", {}, {}};
    odd.secret_hash = hash_of("a:b c+d%");
    clients.push_back(odd);
    all.clients.replace(std::move(clients));
  }

  /// The client's id, or the error.
  std::string ask(const std::string& authorization, const fields& form = {}) {
    incoming in;
    in.address = address;
    in.authorization = authorization;
    in.form = form;
    auto who = authenticate_client(all, in);
    return who ? (*who)->id : who.error().code;
  }

  static std::string basic(const std::string& plain) { return "Basic " + rt::to_base64(plain); }

  std::string guess(const std::string& secret = "wrong") { return ask(basic("mail:" + secret)); }
};

constexpr const char* right = "s3cret+%26+more";

}  // namespace

CAF_TEST_FIXTURE_SCOPE(client_authentication_tests, fixture)

CAF_TEST(both halves of a header are decoded before they are compared) {
  CAF_CHECK_EQUAL(guess(right), "mail");
  CAF_CHECK_EQUAL(ask(basic("odd%3A+%2B%25:a%3Ab+c%2Bd%25")), "odd: +%");
  CAF_CHECK_EQUAL(ask(basic("odd%3A%20%2B%25:a:b%20c%2Bd%25")), "odd: +%");
  CAF_CHECK_EQUAL(guess("s3cret & more%"), "invalid_client");
}

CAF_TEST(the name of the scheme is written in any case) {
  CAF_CHECK_EQUAL(ask("bAsIc " + rt::to_base64(std::string{"mail:"} + right)), "mail");
}

CAF_TEST(a header that cannot be read names nobody) {
  for (const auto& header :
       {std::string{"Basic"}, std::string{"Basic "}, basic("mail"), basic("mail:%zz"), basic("%:x"),
        std::string{"Basic bWFpbA"}, std::string{"Digest username=mail"}, basic("")})
    CAF_CHECK_EQUAL(ask(header), "invalid_client");
}

CAF_TEST(a public client may come by header as long as it brings no secret) {
  CAF_CHECK_EQUAL(ask(basic("wiki:")), "wiki");
  CAF_CHECK_EQUAL(ask("", {{"client_id", "wiki"}}), "wiki");
  CAF_CHECK_EQUAL(ask(basic("wiki:x")), "invalid_client");
}

CAF_TEST(an empty secret is none) {
  CAF_CHECK_EQUAL(ask(basic("mail:")), "invalid_client");
  CAF_CHECK_EQUAL(ask("", {{"client_id", "mail"}}), "invalid_client");
}

CAF_TEST(who names no client has asked wrongly) {
  CAF_CHECK_EQUAL(ask(""), "invalid_request");
  CAF_CHECK_EQUAL(ask("", {{"client_secret", "x"}}), "invalid_request");
  CAF_CHECK_EQUAL(ask(basic(":x")), "invalid_client");
}

CAF_TEST(a withdrawn client is refused) {
  all.clients.replace({});
  CAF_CHECK_EQUAL(guess(right), "invalid_client");
  CAF_CHECK_EQUAL(ask("", {{"client_id", "wiki"}}), "invalid_client");
}

CAF_TEST(wrong secrets delay the client and a second later it may try again) {
  for (int i = 0; i < 5; ++i)
    CAF_CHECK_EQUAL(guess(), "invalid_client");
  CAF_CHECK_EQUAL(guess(right), "temporarily_unavailable");
  clock.advance(seconds{1});
  CAF_CHECK_EQUAL(guess(right), "mail");
  CAF_CHECK_EQUAL(guess(right), "mail");
}

CAF_TEST(a right secret forgives the wrong ones before it) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 4; ++i)
      CAF_CHECK_EQUAL(guess(), "invalid_client");
    CAF_CHECK_EQUAL(guess(right), "mail");
  }
}

CAF_TEST(one guesser shuts out neither another client nor another address) {
  for (int i = 0; i < 6; ++i)
    guess();
  CAF_CHECK_EQUAL(guess(right), "temporarily_unavailable");
  CAF_CHECK_EQUAL(ask(basic("odd%3A+%2B%25:a%3Ab+c%2Bd%25")), "odd: +%");
  address = "203.0.113.8";
  CAF_CHECK_EQUAL(guess(right), "mail");
}

CAF_TEST(a sender counts as its network) {
  for (int i = 0; i < 5; ++i) {
    address = "2001:db8::" + std::to_string(i + 1);
    CAF_CHECK_EQUAL(guess(), "invalid_client");
  }
  address = "2001:db8::99";
  CAF_CHECK_EQUAL(guess(right), "temporarily_unavailable");
  address = "2001:db8:0:1::1";
  CAF_CHECK_EQUAL(guess(right), "mail");
}

CAF_TEST(what cannot be a guess is not counted) {
  for (int i = 0; i < 10; ++i) {
    ask(basic("mail:"));
    ask(basic("mail:%zz"));
    ask(basic("nobody:x"));
    ask(basic("wiki:x"));
  }
  CAF_CHECK_EQUAL(guess(right), "mail");
}

CAF_TEST_FIXTURE_SCOPE_END()
