#pragma once
// Where something stands in a file that people write, for whoever finds out later that it is wrong.

#include <string>
#include <string_view>

namespace postern::config {

/// "FILE:LINE: KEY" of a key, by a path such as "tls.certificate[1].key_file"; without the line if
/// the file has changed since and the key is gone.
std::string place_of(const std::string& file, std::string_view path);

}  // namespace postern::config
