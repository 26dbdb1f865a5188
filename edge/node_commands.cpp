// The commands of `postern` besides `serve`.
#include "edge/node.hpp"
#include "edge/node_keys.hpp"
#include "edge/node_store.hpp"
#include "runtime/password_hash.hpp"

#include <iostream>
#include <termios.h>
#include <unistd.h>

namespace postern::edge {

namespace {

/// One line of standard input; what a person types is asked for, and not shown.
std::string read_password(const char* prompt, bool typed) {
  termios shown{};
  const bool hide = typed && ::tcgetattr(STDIN_FILENO, &shown) == 0;
  if (hide) {
    // In this order: what is typed at the prompt is neither shown nor flushed away.
    auto hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    std::cerr << prompt << std::flush;
  }
  std::string line;
  std::getline(std::cin, line);
  if (hide) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::cerr << "\n";
  }
  return line;
}

}  // namespace

int run_rotate_keys(const config::node& options) {
  runtime::system_wall_clock clock;
  runtime::system_random_source random;
  auto store = open_node_store(options);
  if (!store) {
    std::cerr << "postern: " << runtime::to_string(store.error()) << "\n";
    return 1;
  }
  auto id = rotate_cookie_keys(options.data_directory, **store, clock, random);
  if (!id) {
    std::cerr << "postern: " << runtime::to_string(id.error()) << "\n";
    return 1;
  }
  std::cout << "new cookie key " << *id
            << (is_shared(options.store) ? ": seals in a minute" : ": seals from the next start on")
            << ", older keys keep opening\n";
  return 0;
}

int run_hash_password() {
  const bool typed = ::isatty(STDIN_FILENO) == 1;
  const auto password = read_password("Password: ", typed);
  if (password.empty()) {
    std::cerr << "postern: expected a password on standard input\n";
    return 2;
  }
  if (typed && read_password("The same again: ", typed) != password) {
    std::cerr << "postern: expected the same password twice\n";
    return 2;
  }
  runtime::system_random_source random;
  std::cout << runtime::hash_password(password, random) << "\n";
  return 0;
}

}  // namespace postern::edge
