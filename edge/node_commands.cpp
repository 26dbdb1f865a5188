// The commands of `postern` besides `serve`.
#include "edge/node.hpp"
#include "edge/node_keys.hpp"
#include "edge/node_store.hpp"
#include "runtime/password_hash.hpp"

#include <iostream>

namespace postern::edge {

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
  std::string password;
  if (!std::getline(std::cin, password) || password.empty()) {
    std::cerr << "postern: expected a password on standard input\n";
    return 2;
  }
  runtime::system_random_source random;
  std::cout << runtime::hash_password(password, random) << "\n";
  return 0;
}

}  // namespace postern::edge
