#pragma once
// A PostgreSQL server of the tests' own: in a temporary directory, on a socket in it and nowhere
// else, under an unprivileged user (PostgreSQL refuses root). Gone with the process, however that
// ends.

#include "tests/unit/runtime/temp_directory.hpp"

#include <string>
#include <sys/types.h>

namespace postern::test {

class postgres_server {
 public:
  /// Makes a data directory and starts the server; prints why and aborts if that fails.
  postgres_server();
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  /// The connection string of a fresh, empty database.
  std::string new_database();
  /// Runs SQL in a database and returns the first column of the first row.
  static std::string query(const std::string& connection, const std::string& sql);

  void start();  ///< returns once it answers
  void kill();   ///< as a power cut would
  void freeze() const;
  void thaw() const;

 private:
  std::string connection(const std::string& database) const;

  temp_directory directory_;
  pid_t pid_ = -1;
  int databases_ = 0;
};

/// One for all tests of the program that leave it alone.
postgres_server& shared_postgres_server();

}  // namespace postern::test
