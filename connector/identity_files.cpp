#include "connector/identity_files.hpp"

#include "runtime/files.hpp"
#include "runtime/tls_context.hpp"
#include "runtime/x509.hpp"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace postern::connector {

using runtime::error;
using runtime::error_category;
using runtime::result;

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
// About as much as an enrolment writes.
constexpr size_t probe_bytes = 16 * 1'024;

/// The next PEM block at or after `at`, which moves behind it; empty if there is none.
std::string_view next_block(std::string_view pem, size_t& at) {
  const auto begin = pem.find(begin_mark, at);
  const auto end = begin == pem.npos ? pem.npos : pem.find(end_mark, begin);
  if (end == pem.npos) return {};
  const auto line_end = std::min(pem.find('\n', end), pem.size() - 1);
  at = line_end + 1;
  return pem.substr(begin, at - begin);
}

std::string_view first_line(std::string_view block) {
  return block.substr(0, block.find('\n'));
}

error malformed(std::string detail) {
  return {error_category::invalid_input, "identity_malformed", "service", std::move(detail)};
}

}  // namespace

std::string to_pem(const identity& who) {
  return who.key_pem + who.certificate_pem;
}

result<identity> parse_identity(std::string_view pem) {
  identity who;
  size_t at = 0;
  for (auto block = next_block(pem, at); !block.empty(); block = next_block(pem, at)) {
    if (first_line(block).find("CERTIFICATE") != std::string_view::npos) {
      who.certificate_pem += block;
    } else if (first_line(block).find("PRIVATE KEY") != std::string_view::npos) {
      if (!who.key_pem.empty()) return malformed("a second private key");
      who.key_pem = block;
    }
  }
  if (who.key_pem.empty()) return malformed("no private key");
  if (auto certificate = runtime::read_certificate_pem(who.certificate_pem); !certificate)
    return malformed("certificate: " + certificate.error().detail);
  // TLS refuses an identity whose key is not the certificate's.
  const auto fits = runtime::tls_client_context::make(
      {.verify = false, .certificate_pem = who.certificate_pem, .key_pem = who.key_pem});
  if (!fits) return malformed("the key is not the certificate's");
  return who;
}

result<void> state_directory::make() const {
  if (auto made = runtime::make_folder(path_, 0700); !made) return made;
  if (::chmod(path_.c_str(), 0700) != 0)
    return error{error_category::unavailable, "file_unwritable", "service",
                 path_ + ": " + std::strerror(errno)};
  return {};
}

result<void> state_directory::probe() const {
  const bool is_new = ::access(path_.c_str(), F_OK) != 0;
  if (auto made = make(); !made) return made;
  const auto file = path_ + "/probe";
  auto written = runtime::write_file_atomically(file, std::string(probe_bytes, '\n'), 0600);
  ::unlink(file.c_str());
  if (is_new) ::rmdir(path_.c_str());
  return written;
}

result<identity> state_directory::load_identity() const {
  auto text = runtime::read_file(identity_file());
  if (!text && text.error().cause == "file_missing")
    return error{error_category::not_found, "not_enrolled", "service",
                 path_ + " holds no identity: run `postern-connector enroll` first"};
  if (!text) return text.error();
  return parse_identity(*text);
}

result<void> state_directory::store_identity(const identity& who) const {
  return runtime::write_file_atomically(identity_file(), to_pem(who), 0600);
}

}  // namespace postern::connector
