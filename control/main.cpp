// posternctl: the administrator's command line.

#include "control/program.hpp"

#include <csignal>
#include <iostream>

int main(int argc, char** argv) {
  // A service that closes early is an error to report, not a reason to die silently.
  std::signal(SIGPIPE, SIG_IGN);
  postern::control::streams io{std::cin, std::cout, std::cerr};
  return static_cast<int>(postern::control::run(argc, argv, io));
}
