#include "edge/node_store.hpp"

#include "runtime/files.hpp"

#include <sys/stat.h>

namespace postern::edge {

using runtime::error;
using runtime::error_category;
using runtime::result;

result<std::unique_ptr<runtime::store>> open_node_store(const config::node& options) {
  if (!is_shared(options.store))
    return runtime::open_sqlite_store(options.data_directory + "/postern.db");
  const auto& file = options.store.connection_file;
  struct stat status{};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0)
    return error{error_category::invalid_input, "store_connection_readable", "store",
                 file + " may hold a password and everybody may read it"};
  auto connection = runtime::read_file(file);
  if (!connection) return connection.error();
  return runtime::open_postgres_store(*connection);
}

}  // namespace postern::edge
