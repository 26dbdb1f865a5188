#define CAF_SUITE password_hash
#include "runtime/password_hash.hpp"

#include <caf/test/unit_test.hpp>

namespace rt = postern::runtime;

namespace {

// Made with Python's hashlib.scrypt(b"correct horse", salt=bytes(range(16)), n=2**4, r=8, p=1,
// dklen=32).
const std::string cheap =
    "$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$Q7EcH175P/kcU7JE2HRU+qTRrq/BS6UbCRYPdBaC5y8";

std::string with(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace

CAF_TEST(a hash fits its own password only) {
  rt::seeded_random_source random(1);
  const auto text = rt::hash_password("correct horse", random);
  CAF_CHECK(text.starts_with("$scrypt$ln=15,r=8,p=1$"));
  CAF_CHECK(rt::verify_password("correct horse", text));
  CAF_CHECK(!rt::verify_password("correct hors", text));
  CAF_CHECK(!rt::verify_password("", text));
  CAF_CHECK_NOT_EQUAL(rt::hash_password("correct horse", random), text);
}

CAF_TEST(a hash by another implementation is understood) {
  CAF_CHECK(rt::verify_password("correct horse", cheap));
  CAF_CHECK(!rt::verify_password("Correct horse", cheap));
}

CAF_TEST(malformed hashes fit nothing) {
  CAF_CHECK(!rt::verify_password("correct horse", ""));
  CAF_CHECK(!rt::verify_password("correct horse", "correct horse"));
  CAF_CHECK(!rt::verify_password("correct horse", cheap.substr(1)));
  CAF_CHECK(!rt::verify_password("correct horse", cheap.substr(0, cheap.size() - 1)));
  CAF_CHECK(!rt::verify_password("correct horse", cheap + "AA"));
  CAF_CHECK(!rt::verify_password("correct horse", with(cheap, "scrypt", "bcrypt")));
  CAF_CHECK(!rt::verify_password("correct horse", with(cheap, ",p=1", "")));
  CAF_CHECK(!rt::verify_password("correct horse", with(cheap, "r=8", "r=0")));
}

CAF_TEST(a hash that asks for too much work is refused) {
  CAF_CHECK(!rt::verify_password("correct horse", with(cheap, "ln=4", "ln=30")));
  CAF_CHECK(!rt::verify_password("correct horse", with(cheap, "r=8", "r=4000000")));
  CAF_CHECK(!rt::verify_password("correct horse", with(cheap, "p=1", "p=99999999999")));
}
