#define CAF_SUITE place
#include "config/place.hpp"

#include "tests/unit/runtime/temp_directory.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::config;

namespace {

struct place_fixture {
  postern::test::temp_directory folder;
  std::string file = folder.write("node.toml", R"(data_directory = "d"

[[tls.certificate]]
certificate_file = "1.pem"
key_file = "1.key"
[[tls.certificate]]
certificate_file = "2.pem"

key_file = "2.key"
[log]
file = "log"
)");
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(place_tests, place_fixture)

CAF_TEST(a key is found at its line wherever it stands) {
  CAF_CHECK_EQUAL(place_of(file, "data_directory"), file + ":1: data_directory");
  CAF_CHECK_EQUAL(place_of(file, "tls.certificate[0].key_file"), file + ":5: key_file");
  CAF_CHECK_EQUAL(place_of(file, "tls.certificate[1].key_file"), file + ":9: key_file");
  CAF_CHECK_EQUAL(place_of(file, "log.file"), file + ":11: file");
}

CAF_TEST(a key that is gone is named without a line) {
  CAF_CHECK_EQUAL(place_of(file, "log.level"), file + ": level");
  CAF_CHECK_EQUAL(place_of(file, "tls.certificate[2].key_file"), file + ": key_file");
  CAF_CHECK_EQUAL(place_of(file, "data_directory.file"), file + ": file");
}

CAF_TEST(a file that can no longer be read is named all the same) {
  CAF_CHECK_EQUAL(place_of(folder / "gone.toml", "log.file"), folder / "gone.toml" + ": file");
  folder.write("node.toml", "[log\nfile = \"log\"\n");
  CAF_CHECK_EQUAL(place_of(file, "log.file"), file + ": file");
}

CAF_TEST_FIXTURE_SCOPE_END()
