#define CAF_SUITE cluster_wire
#include "actors/cluster_wire.hpp"

#include "runtime/encoding.hpp"

#include <caf/test/dsl.hpp>

using namespace postern::actors;
using namespace std::string_literals;

namespace {

const presence sample_presence{1, true, "192.0.2.1:7443", "192.0.2.1:443", "0.1.0", {"a", "b"}};
const summons sample_summons{"berlin", "192.0.2.1:443"};

// Recorded from version 0.1.0. Nodes of that version are out there: these bytes stay readable.
const auto recorded_presence =
    "AQEBAQ4AAAAAAAAAMTkyLjAuMi4xOjc0NDMNAAAAAAAAADE5Mi4wLjIuMTo0NDMFAAAAAAAAADAuMS4wAgAAAAAAAAABAA"
    "AA"
    "AAAAAGEBAAAAAAAAAGI"s;
const auto recorded_summons = "AgEGAAAAAAAAAGJlcmxpbg0AAAAAAAAAMTkyLjAuMi4xOjQ0Mw"s;

std::string cause(const std::string& bytes) {
  const auto read = decode_cluster_message(bytes);
  return read ? "none" : read.error().cause;
}

}  // namespace

CAF_TEST(messages come back as they went) {
  CAF_CHECK(
      std::get<presence>(decode_cluster_message(encode_cluster_message(sample_presence)).value()) ==
      sample_presence);
  CAF_CHECK(
      std::get<summons>(decode_cluster_message(encode_cluster_message(sample_summons)).value()) ==
      sample_summons);
}

CAF_TEST(messages of today are written and read as recorded) {
  CAF_CHECK_EQUAL(postern::runtime::to_base64url(encode_cluster_message(sample_presence)),
                  recorded_presence);
  CAF_CHECK_EQUAL(postern::runtime::to_base64url(encode_cluster_message(sample_summons)),
                  recorded_summons);
  const auto read = [](const std::string& recorded) {
    return decode_cluster_message(*postern::runtime::from_base64url(recorded)).value();
  };
  CAF_CHECK(std::get<presence>(read(recorded_presence)) == sample_presence);
  CAF_CHECK(std::get<summons>(read(recorded_summons)) == sample_summons);
}

CAF_TEST(fields that a newer node appends are passed over) {
  for (const cluster_message& message :
       {cluster_message{sample_presence}, cluster_message{sample_summons}}) {
    const auto read = decode_cluster_message(encode_cluster_message(message) + "\x05later");
    CAF_REQUIRE(read.has_value());
    CAF_CHECK(*read == message);
  }
}

CAF_TEST(kinds and versions of tomorrow are refused and do no harm) {
  auto newer = encode_cluster_message(sample_summons);
  newer[1] = 2;
  CAF_CHECK_EQUAL(cause(newer), "blob_malformed");
  newer[0] = 9;
  CAF_CHECK_EQUAL(cause(newer), "cluster_message_unknown");
  CAF_CHECK_EQUAL(cause(""), "cluster_message_unknown");
  const auto whole = encode_cluster_message(sample_presence);
  for (size_t size = 1; size < whole.size(); ++size)
    CAF_CHECK_EQUAL(cause(whole.substr(0, size)), "blob_malformed");
}
