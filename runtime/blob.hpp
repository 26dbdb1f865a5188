#pragma once
// Values as bytes: cookie payloads and stored records. Written by cereal's portable binary archive;
// read back by a reader of the same format that trusts nothing, because cereal's own one allocates
// whatever a forged length asks for. Used by whoever keeps a value outside of memory; include the
// cereal/types headers of the members yourself.

#include "runtime/error.hpp"

#include <cereal/archives/portable_binary.hpp>
#include <cereal/cereal.hpp>
#include <cereal/types/string.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>

namespace postern::runtime {

/// Reads cereal's portable binary format out of memory that outlives it. No length may promise more
/// elements than bytes are left, no bool may be anything but 0 or 1. Throws cereal::Exception; only
/// decode_blob should use it. Enums are read by their underlying value: a type that came from
/// outside checks their range itself.
class blob_reader : public cereal::InputArchive<blob_reader, cereal::AllowEmptyClassElision> {
 public:
  /// Reads the byte that tells the version, which must be one of 1 to `newest`.
  explicit blob_reader(std::string_view bytes, uint8_t newest = 1)
      : cereal::InputArchive<blob_reader, cereal::AllowEmptyClassElision>(this), rest_(bytes) {
    read(&version_, 1);
    if (version_ == 0 || version_ > newest) throw cereal::Exception("of another version");
  }

  /// The version of the value that is being read.
  uint8_t version() const noexcept { return version_; }

  /// Takes `count` elements of `size` bytes each.
  void read(void* out, size_t count, size_t size = 1) {
    if (count > rest_.size() / size) throw cereal::Exception("cut short");
    if (count == 0) return;
    std::memcpy(out, rest_.data(), count * size);
    rest_.remove_prefix(count * size);
    if constexpr (std::endian::native == std::endian::big) {
      auto* element = static_cast<uint8_t*>(out);
      for (size_t i = 0; i < count; ++i, element += size)
        std::reverse(element, element + size);
    }
  }

  /// How many bytes have not been read.
  size_t left() const noexcept { return rest_.size(); }

 private:
  std::string_view rest_;
  uint8_t version_ = 0;
};

/// The version in which values of a type are written: 1, or the type's own `blob_version`. A type
/// that gets a new field gets the next number, and reads the field only if
/// `in_blob(archive, number)`: what older programs have written stays readable.
template <class T>
constexpr uint8_t blob_version_of() noexcept {
  if constexpr (requires { T::blob_version; })
    return T::blob_version;
  else
    return 1;
}

/// Within `serialize`: whether fields that came with `version` are there. Writers write all.
template <class Archive>
bool in_blob(const Archive& archive, uint8_t version) noexcept {
  if constexpr (requires { archive.version(); })
    return archive.version() >= version;
  else
    return true;
}

/// Found by cereal: one number.
template <class T>
  requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(blob_reader& reader, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    uint8_t byte = 0;
    reader.read(&byte, 1);
    if (byte > 1) throw cereal::Exception("not a bool");
    value = byte == 1;
  } else {
    reader.read(&value, 1, sizeof(T));
  }
}

/// Found by cereal: a named member; this format has no names.
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(blob_reader& reader, cereal::NameValuePair<T>& pair) {
  reader(pair.value);
}

/// Found by cereal: the number of elements of a container, each of which takes at least one byte.
template <class T>
void CEREAL_SERIALIZE_FUNCTION_NAME(blob_reader& reader, cereal::SizeTag<T>& tag) {
  reader(tag.size);
  if (tag.size > reader.left()) throw cereal::Exception("length beyond the end");
}

/// Found by cereal: a run of numbers.
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(blob_reader& reader, cereal::BinaryData<T>& data) {
  using element = std::remove_pointer_t<T>;
  reader.read(data.data, static_cast<size_t>(data.size) / sizeof(element), sizeof(element));
}

/// The value as bytes that decode_blob reads on any machine. T has a cereal `serialize` or `save`.
template <class T>
std::string encode_blob(const T& value) {
  std::ostringstream out(std::ios::binary);
  using format = cereal::PortableBinaryOutputArchive;
  format archive(out, format::Options::LittleEndian());
  archive(value);
  auto bytes = std::move(out).str();
  // cereal's first byte says "little endian" by a 1, which is what all blobs are: the version takes
  // its place.
  bytes.front() = static_cast<char>(blob_version_of<T>());
  return bytes;
}

/// Whether bytes after a value are refused, or passed over: fields of a newer program.
enum class blob_end : uint8_t { strict, open };

/// Reads a default-constructible T back. Errors, all `invalid_input`: "blob_too_large" if there are
/// more than `limit` bytes, "blob_malformed" if they are of a version that is not known here, are
/// cut short, have a forged length or (unless `end` is open) go on after the value.
template <class T>
result<T> decode_blob(std::string_view bytes, size_t limit, blob_end end = blob_end::strict) {
  if (bytes.size() > limit)
    return error{error_category::invalid_input, "blob_too_large", "service", {}};
  try {
    blob_reader reader(bytes, blob_version_of<T>());
    T value{};
    reader(value);
    if (reader.left() == 0 || end == blob_end::open) return value;
    return error{error_category::invalid_input, "blob_malformed", "service", "bytes after the end"};
  } catch (const std::exception& e) {
    return error{error_category::invalid_input, "blob_malformed", "service", e.what()};
  }
}

}  // namespace postern::runtime
