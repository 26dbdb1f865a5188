#include "runtime/postgres.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <endian.h>
#include <poll.h>
#include <utility>

namespace postern::runtime::postgres {

namespace {

using clock = std::chrono::steady_clock;

constexpr int binary = 1;

[[noreturn]] void fail(error_category category, const char* cause, std::string detail) {
  // libpq's messages end with a line feed and may have several lines.
  while (!detail.empty() && detail.back() == '\n')
    detail.pop_back();
  std::ranges::replace(detail, '\n', ' ');
  throw error_exception({category, cause, "store", std::move(detail)});
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// Stricter than config::is_loopback: libpq asks the resolver for names under "localhost".
bool is_local(std::string_view host) {
  boost::system::error_code no_address;
  return host.empty() || host.front() == '/' || host.front() == '@' || host == "localhost" ||
         boost::asio::ip::make_address(host, no_address).is_loopback();
}

/// A host for those that name none (PGHOST). Empty: there is none, and libpq takes the socket.
std::string environment_host() {
  const char* host = std::getenv("PGHOST");
  return host == nullptr ? std::string{} : host;
}

bool all_local(std::string_view hosts) {
  for (size_t at = 0; at <= hosts.size();) {
    const auto end = std::min(hosts.find(',', at), hosts.size());
    if (!is_local(hosts.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

std::string quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// As the server reads it.
std::string seconds(std::chrono::seconds time) {
  return std::to_string(time.count()) + "s";
}

const char* cause_of(std::string_view state) {
  if (state == "53100") return "store_full";
  if (state.starts_with("57P")) return "store_unavailable";  // the server is being stopped
  return "store_failed";
}

/// Class 28: the server does not believe who we are; 3D000: there is no such database.
bool is_refusal(std::string_view message) {
  return message.find("authentication failed") != message.npos ||
         message.find("does not exist") != message.npos ||
         message.find("no pg_hba.conf entry") != message.npos;
}

}  // namespace

std::string with_defaults(const std::string& text) {
  char* why = nullptr;
  PQconninfoOption* options = PQconninfoParse(trimmed(text).c_str(), &why);
  // The message may repeat a part of the text, which may be the password.
  PQfreemem(why);
  if (options == nullptr)
    fail(error_category::invalid_input, "store_connection_malformed",
         "not a connection string or URI of PostgreSQL");
  std::string out;
  bool host_given = false;
  bool local = true;
  bool mode_given = false;
  bool timeout_given = false;
  for (const auto* o = options; o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    const std::string_view keyword{o->keyword};
    const std::string_view value{o->val};
    out += std::string{keyword}.append("=").append(quoted(value)).append(" ");
    if (keyword == "host" || keyword == "hostaddr") {
      host_given = true;
      local = local && all_local(value);
    }
    mode_given = mode_given || keyword == "sslmode";
    timeout_given = timeout_given || keyword == "connect_timeout";
  }
  PQconninfoFree(options);
  if (!host_given) local = all_local(environment_host());
  if (!local && !mode_given) out += "sslmode=verify-full ";
  if (!timeout_given) out += "connect_timeout=" + std::to_string(connect_timeout.count()) + " ";
  // A server that vanished without a word is noticed by the kernel as well.
  return out + "tcp_user_timeout=10000 fallback_application_name=postern";
}

std::string rows::bytes(int row, int column) const {
  return {PQgetvalue(answer_.get(), row, column),
          static_cast<size_t>(PQgetlength(answer_.get(), row, column))};
}

int64_t rows::number(int row, int column) const {
  ensure(PQgetlength(answer_.get(), row, column) == sizeof(uint64_t), "a bigint column");
  uint64_t raw = 0;
  std::memcpy(&raw, PQgetvalue(answer_.get(), row, column), sizeof raw);
  return static_cast<int64_t>(be64toh(raw));
}

parameters& parameters::bytes(std::string_view value) {
  values_.emplace_back(value);
  return *this;
}

parameters& parameters::number(int64_t value) {
  const auto raw = htobe64(static_cast<uint64_t>(value));
  std::array<char, sizeof raw> bytes{};
  std::memcpy(bytes.data(), &raw, sizeof raw);
  values_.emplace_back(bytes.data(), bytes.size());
  return *this;
}

connection::connection(const std::string& text)
    : connection_(PQconnectdb(with_defaults(text).c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    const std::string why = PQerrorMessage(connection_.get());
    fail(error_category::unavailable, is_refusal(why) ? "store_refused" : "store_unavailable", why);
  }
  PQsetnonblocking(connection_.get(), 1);
  // Notices ("table exists already") would go to standard error.
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  run("SELECT set_config('lock_timeout', $1, false),"
      " set_config('idle_in_transaction_session_timeout', $2, false)",
      parameters{}.bytes(seconds(lock_timeout)).bytes(seconds(idle_timeout)));
}

void connection::lose(const std::string& why) {
  lost_ = true;
  fail(error_category::unavailable, "store_unavailable", why);
}

void connection::await_socket(short events, clock::time_point deadline) {
  for (;;) {
    pollfd socket{PQsocket(connection_.get()), events, 0};
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock::now()).count();
    const int ready = left <= 0 ? 0 : ::poll(&socket, 1, static_cast<int>(left));
    if (ready > 0) return;
    if (ready == 0) lose("the server does not answer");
    if (errno != EINTR) lose(std::strerror(errno));
  }
}

PGresult* connection::receive(clock::time_point deadline) {
  auto* c = connection_.get();
  for (int unsent = PQflush(c); unsent != 0; unsent = PQflush(c)) {
    if (unsent < 0) lose(PQerrorMessage(c));
    await_socket(POLLIN | POLLOUT, deadline);
    if (PQconsumeInput(c) == 0) lose(PQerrorMessage(c));
  }
  while (PQisBusy(c) != 0) {
    await_socket(POLLIN, deadline);
    if (PQconsumeInput(c) == 0) lose(PQerrorMessage(c));
  }
  return PQgetResult(c);
}

rows connection::run(const char* sql, const parameters& values) {
  ensure(!lost_, "a lost connection is not used again");
  std::vector<const char*> texts;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (const auto& value : values.values_) {
    texts.push_back(value.data());
    lengths.push_back(static_cast<int>(value.size()));
    formats.push_back(binary);
  }
  const auto deadline = clock::now() + answer_timeout;
  auto* c = connection_.get();
  if (PQsendQueryParams(c, sql, static_cast<int>(texts.size()), nullptr, texts.data(),
                        lengths.data(), formats.data(), binary) == 0)
    lose(PQerrorMessage(c));
  rows answer{receive(deadline)};
  rows end{receive(deadline)};  // libpq wants to be asked until nothing is left
  static_cast<void>(end);
  const auto* raw = answer.raw();
  if (raw == nullptr) lose("no answer");
  const auto status = PQresultStatus(raw);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
  const char* state = PQresultErrorField(raw, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(raw, PG_DIAG_MESSAGE_PRIMARY);
  if (PQstatus(c) != CONNECTION_OK || state == nullptr ||
      std::string_view{state}.starts_with("57P"))
    lose(PQerrorMessage(c));
  fail(error_category::unavailable, cause_of(state), message == nullptr ? state : message);
}

bool connection::wait(std::chrono::milliseconds timeout, int wake) {
  std::array<pollfd, 2> watched{pollfd{PQsocket(connection_.get()), POLLIN, 0},
                                pollfd{wake, POLLIN, 0}};
  const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(timeout.count()));
  if (ready < 0 && errno != EINTR) lose(std::strerror(errno));
  if (ready > 0 && (watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
      PQconsumeInput(connection_.get()) == 0)
    lose(PQerrorMessage(connection_.get()));
  return ready > 0 && watched[1].revents != 0;
}

std::optional<std::string> connection::notification() {
  struct free_notification {
    void operator()(PGnotify* n) const noexcept { PQfreemem(n); }
  };
  const std::unique_ptr<PGnotify, free_notification> found{PQnotifies(connection_.get())};
  if (!found) return std::nullopt;
  return std::string{found->extra};
}

}  // namespace postern::runtime::postgres
