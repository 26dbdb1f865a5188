#define CAF_SUITE stored_values
// The bytes of version 0.1.0, as they stand in stores and cookies out there: later versions write
// what they like, but have to read these.
#include "actors/cluster_members.hpp"
#include "actors/enrolment_tokens.hpp"
#include "actors/messages.hpp"
#include "runtime/blob.hpp"
#include "runtime/encoding.hpp"

#include <caf/test/dsl.hpp>
#include <cereal/types/vector.hpp>

using namespace postern::actors;
namespace rt = postern::runtime;

namespace {

std::string bytes_of(const char* recorded) {
  return rt::from_base64url(recorded).value();
}

template <class T>
T read(const char* recorded) {
  return rt::decode_blob<T>(bytes_of(recorded), 64 * 1'024).value();
}

/// As long as the type is at version 1, it is also written like that.
template <class T>
void check_written(const T& value, const char* recorded) {
  if (rt::blob_version_of<T>() == 1)
    CAF_CHECK_EQUAL(rt::to_base64url(rt::encode_blob(value)), std::string{recorded});
}

}  // namespace

CAF_TEST(a connector of version one is read) {
  constexpr auto recorded =
      "AQIAAAAAAAAAYzEEAAAAAAAAAGhvc3QGAAAAAAAAAGJlcmxpbgDxU2UAAAAABAAAAAAAAAByb290AgAAAAAAAAACAAAA"
      "AAAAAGExAgAAAAAAAABhMgE";
  const auto r = read<connector_record>(recorded);
  CAF_CHECK_EQUAL(r.id, "c1");
  CAF_CHECK_EQUAL(r.name, "host");
  CAF_CHECK_EQUAL(r.group, "berlin");
  CAF_CHECK_EQUAL(r.enrolled_at, 1'700'000'000);
  CAF_CHECK_EQUAL(r.enrolled_by, "root");
  CAF_CHECK((r.serials == std::vector<std::string>{"a1", "a2"}));
  CAF_CHECK(r.revoked);
  check_written(r, recorded);
}

CAF_TEST(a session of version one is read) {
  constexpr auto recorded =
      "AQIAAAAAAAAAczEEAAAAAAAAAHdpa2kTAAAAAAAAAGh0dHBzOi8vc3RzLmV4YW1wbGUDAAAAAAAAAHN1YgMAAAAAAAAA"
      "Ym9iCQAAAAAAAABCb2IgQnJvd24PAAAAAAAAAGJvYkBleGFtcGxlLmNvbQEAAAAAAAAABQAAAAAAAABzdGFmZgDxU2UA"
      "AAAAEP9TZQAAAAD_8FNlAAAAAA";
  const auto s = read<access_session>(recorded);
  const identity bob{"https://sts.example", "sub",    "bob", "Bob Brown",
                     "bob@example.com",     {"staff"}};
  CAF_CHECK((s == access_session{"s1", "wiki", bob, 1'700'000'000, 1'700'003'600, 1'699'999'999}));
  check_written(s, recorded);
}

CAF_TEST(a node of version one is read) {
  constexpr auto recorded = "AQDxU2UAAAAABQAAAAAAAAAwLjEuMA";
  const auto m = read<member_record>(recorded);
  CAF_CHECK_EQUAL(m.seen_at, 1'700'000'000);
  CAF_CHECK_EQUAL(m.version, "0.1.0");
  check_written(m, recorded);
}

CAF_TEST(an enrolment token of version one is read) {
  stored_enrolment_token token{"berlin", 3, 1'700'000'000, "root"};
  constexpr auto recorded = "AQYAAAAAAAAAYmVybGluAwAAAADxU2UAAAAABAAAAAAAAAByb290";
  const auto t = read<stored_enrolment_token>(recorded);
  CAF_CHECK_EQUAL(t.group, token.group);
  CAF_CHECK_EQUAL(t.uses_left, token.uses_left);
  CAF_CHECK_EQUAL(t.expires_at, token.expires_at);
  CAF_CHECK_EQUAL(t.issued_by, token.issued_by);
  check_written(t, recorded);
}
