#define CAF_SUITE blob
#include "runtime/blob.hpp"

#include <caf/test/unit_test.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/vector.hpp>

#include <array>
#include <map>
#include <optional>
#include <vector>

namespace rt = postern::runtime;

namespace {

struct sample {
  std::string name;
  bool flag = false;
  int64_t number = 0;
  double ratio = 0;
  std::vector<std::string> words;
  std::vector<uint32_t> numbers;
  std::map<std::string, std::string> pairs;
  std::optional<std::string> maybe;
  std::array<uint8_t, 4> raw{};

  bool operator==(const sample&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, flag, number, ratio, words, numbers, pairs, maybe, raw);
  }
};

/// A type with a field that came with version 2.
struct grown {
  static constexpr uint8_t blob_version = 2;
  std::string name;
  std::string more = "as before";

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name);
    if (rt::in_blob(archive, 2)) archive(more);
  }
};

sample full_sample() {
  return {"ada",        true,    -42,         0.5, {"a", "", "b"}, {1, 2, 0xffffffff},
          {{"k", "v"}}, "there", {1, 2, 3, 4}};
}

std::string little_endian(uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

template <class T>
std::string cause_of(std::string_view bytes, size_t limit = 4096) {
  const auto read = rt::decode_blob<T>(bytes, limit);
  return read ? "none" : read.error().cause;
}

}  // namespace

CAF_TEST(a value survives the way there and back) {
  const auto read = rt::decode_blob<sample>(rt::encode_blob(full_sample()), 4096);
  CAF_REQUIRE(read.has_value());
  CAF_CHECK(*read == full_sample());
}

CAF_TEST(the bytes of a string are those of the portable binary format) {
  CAF_CHECK_EQUAL(rt::encode_blob(std::string{"hi"}), "\x01" + little_endian(2) + "hi");
}

CAF_TEST(every cut is refused) {
  const auto bytes = rt::encode_blob(full_sample());
  for (size_t size = 0; size < bytes.size(); ++size)
    CAF_CHECK_EQUAL(cause_of<sample>({bytes.data(), size}), "blob_malformed");
}

CAF_TEST(bytes after the value are refused) {
  CAF_CHECK_EQUAL(cause_of<sample>(rt::encode_blob(full_sample()) + '\0'), "blob_malformed");
}

CAF_TEST(a forged length is refused before anything is allocated) {
  for (const uint64_t length : {uint64_t{3}, uint64_t{1} << 40, ~uint64_t{0}}) {
    const auto bytes = "\x01" + little_endian(length) + "hi";
    CAF_CHECK_EQUAL(cause_of<std::string>(bytes), "blob_malformed");
    CAF_CHECK_EQUAL(cause_of<std::vector<std::string>>(bytes), "blob_malformed");
    CAF_CHECK_EQUAL(cause_of<std::vector<uint64_t>>(bytes), "blob_malformed");
  }
}

CAF_TEST(a bool is 0 or 1) {
  using namespace std::string_literals;
  CAF_CHECK_EQUAL(cause_of<bool>("\x01\x01"s), "none");
  CAF_CHECK_EQUAL(cause_of<bool>("\x01\x02"s), "blob_malformed");
}

CAF_TEST(another order of bytes is refused) {
  auto bytes = rt::encode_blob(full_sample());
  bytes[0] = 0;
  CAF_CHECK_EQUAL(cause_of<sample>(bytes), "blob_malformed");
}

CAF_TEST(more bytes than the limit are refused) {
  const auto bytes = rt::encode_blob(full_sample());
  CAF_CHECK_EQUAL(cause_of<sample>(bytes, bytes.size()), "none");
  CAF_CHECK_EQUAL(cause_of<sample>(bytes, bytes.size() - 1), "blob_too_large");
}

CAF_TEST(a field of a newer version is written and a value without it is read) {
  const grown value{"ada", "new"};
  const auto bytes = rt::encode_blob(value);
  CAF_CHECK_EQUAL(bytes.front(), '\x02');
  CAF_CHECK_EQUAL(rt::decode_blob<grown>(bytes, 4096).value().more, "new");
  const auto old = rt::decode_blob<grown>("\x01" + little_endian(3) + "ada", 4096).value();
  CAF_CHECK_EQUAL(old.name, "ada");
  CAF_CHECK_EQUAL(old.more, "as before");
}

CAF_TEST(a value of a version that is not known is refused) {
  auto bytes = rt::encode_blob(grown{"ada", "new"});
  bytes.front() = '\x03';
  CAF_CHECK_EQUAL(cause_of<grown>(bytes), "blob_malformed");
  bytes.front() = '\0';
  CAF_CHECK_EQUAL(cause_of<grown>(bytes), "blob_malformed");
}
