#include "tests/unit/runtime/postgres_server.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <libpq-fe.h>
#include <memory>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace postern::test {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "PostgreSQL for the tests: %s\n", why.c_str());
  std::abort();
}

/// The newest installed version; Debian keeps them apart.
std::string program(const std::string& name) {
  fs::path best;
  const fs::path versions = "/usr/lib/postgresql";
  if (fs::is_directory(versions))
    for (const auto& version : fs::directory_iterator(versions))
      if (fs::exists(version.path() / "bin" / name) && version.path() > best) best = version.path();
  if (best.empty()) give_up(name + " is not installed; scripts/setup test installs it");
  return best / "bin" / name;
}

const passwd* unprivileged_user() {
  if (::getuid() != 0) return nullptr;
  const auto* user = ::getpwnam("postgres");
  if (user == nullptr) user = ::getpwnam("nobody");
  if (user == nullptr) give_up("no unprivileged user");
  return user;
}

pid_t launch(const std::vector<std::string>& words, const std::string& log) {
  const auto* user = unprivileged_user();
  std::vector<char*> arguments;
  for (const auto& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (user != nullptr &&
      (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    ::_exit(126);
  // Cleared by a change of user, so it comes after: SIGQUIT stops the server and what it has
  // started.
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (::getppid() != parent) ::_exit(126);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

/// The processes that serve connections are children: they have to stand still as well.
void signal_all(pid_t server, int number) {
  const auto id = std::to_string(server);
  std::ifstream children("/proc/" + id + "/task/" + id + "/children");
  for (pid_t child = 0; children >> child;)
    ::kill(child, number);
  ::kill(server, number);
}

struct finish {
  void operator()(PGconn* c) const noexcept { PQfinish(c); }
};
using connection_ptr = std::unique_ptr<PGconn, finish>;

}  // namespace

postgres_server::postgres_server() {
  if (const auto* user = unprivileged_user())
    if (::chown((directory_ / "").c_str(), user->pw_uid, user->pw_gid) != 0) give_up("chown");
  const pid_t made = launch({program("initdb"), "-D", directory_ / "data", "-U", "postern", "-A",
                             "trust", "-E", "UTF8", "--locale=C", "--no-sync"},
                            directory_ / "initdb.log");
  int status = 0;
  ::waitpid(made, &status, 0);
  if (status != 0) give_up("initdb failed, see " + directory_ / "initdb.log");
  start();
}

postgres_server::~postgres_server() {
  kill();
}

void postgres_server::start() {
  pid_ = launch({program("postgres"), "-D", directory_ / "data", "-k", directory_ / "", "-c",
                 "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40", "-c",
                 "shared_buffers=8MB"},
                directory_ / "server.log");
  for (int i = 0; i < 1'500; ++i) {
    if (PQping(connection("postgres").c_str()) == PQPING_OK) return;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  give_up("the server does not start");
}

void postgres_server::kill() {
  if (pid_ <= 0) return;
  thaw();
  // SIGQUIT: at once and without a checkpoint, and its children with it.
  ::kill(pid_, SIGQUIT);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

void postgres_server::freeze() const {
  signal_all(pid_, SIGSTOP);
}

void postgres_server::thaw() const {
  signal_all(pid_, SIGCONT);
}

std::string postgres_server::connection(const std::string& database) const {
  return "host=" + directory_ / "" + " user=postern dbname=" + database;
}

std::string postgres_server::new_database() {
  auto name = "test" + std::to_string(++databases_);
  query(connection("postgres"), "CREATE DATABASE " + name);
  return connection(name);
}

std::string postgres_server::query(const std::string& connection, const std::string& sql) {
  const connection_ptr c{PQconnectdb(connection.c_str())};
  PGresult* answer = PQexec(c.get(), sql.c_str());
  const auto status = PQresultStatus(answer);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) give_up(PQerrorMessage(c.get()));
  std::string first = PQntuples(answer) > 0 ? PQgetvalue(answer, 0, 0) : "";
  PQclear(answer);
  return first;
}

postgres_server& shared_postgres_server() {
  static postgres_server server;
  return server;
}

}  // namespace postern::test
