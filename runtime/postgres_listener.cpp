#include "runtime/postgres_listener.hpp"

#include "runtime/encoding.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <poll.h>
#include <pthread.h>
#include <random>
#include <set>
#include <sys/eventfd.h>
#include <unistd.h>

namespace postern::runtime::postgres {

namespace {

// The server allows 7999 bytes.
constexpr size_t longest_news = 7'900;
// A server that vanished says nothing either: after this silence it is asked.
constexpr std::chrono::milliseconds check_interval{5'000};
// Between attempts to connect, doubled up to the cap, with jitter.
constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds longest_pause{2'000};

std::chrono::milliseconds pause_after(unsigned failures) {
  const auto bound = std::min(longest_pause, first_pause * (1U << std::min(failures, 6U)));
  thread_local std::minstd_rand chance{std::random_device{}()};
  return std::chrono::milliseconds{
      std::uniform_int_distribution<int64_t>{bound.count() / 2, bound.count()}(chance)};
}

}  // namespace

std::string encode_news(const std::vector<store_change>& changes, uint64_t revision) {
  const auto head = std::to_string(revision);
  auto text = head;
  for (const auto& change : changes)
    text += "\n" + change.kind + " " + to_base64url(change.key);
  if (text.size() <= longest_news) return text;
  std::set<std::string> kinds;
  for (const auto& change : changes)
    kinds.insert(change.kind);
  text = head;
  for (const auto& kind : kinds)
    text += "\n" + kind + " ";
  return text.size() <= longest_news ? text : head;
}

std::vector<store_news> decode_news(std::string_view text) {
  const std::vector<store_news> anything{{}};
  auto rest = text;
  const auto next_line = [&rest] {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  };
  const auto head = next_line();
  uint64_t revision = 0;
  const auto [stopped, failed] = std::from_chars(head.data(), head.data() + head.size(), revision);
  if (failed != std::errc{} || stopped != head.data() + head.size()) return anything;
  std::vector<store_news> news;
  while (!rest.empty()) {
    const auto line = next_line();
    const auto space = line.find(' ');
    if (space == 0 || space == line.npos) return anything;
    auto key = from_base64url(line.substr(space + 1));
    if (!key) return anything;
    news.push_back({std::string{line.substr(0, space)}, std::move(*key), revision});
  }
  return news.empty() ? anything : news;
}

listener::listener(std::string connection, std::shared_ptr<store_watchers> watchers)
    : connection_(std::move(connection)),
      watchers_(std::move(watchers)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ensure(wake_ >= 0, "an eventfd");
  thread_ = std::thread{[this] { run(); }};
}

listener::~listener() {
  const uint64_t one = 1;
  ensure(::write(wake_, &one, sizeof one) == sizeof one, "an eventfd takes a number");
  thread_.join();
  ::close(wake_);
}

bool listener::pause(std::chrono::milliseconds time) const {
  pollfd end{wake_, POLLIN, 0};
  return ::poll(&end, 1, static_cast<int>(time.count())) > 0;
}

void listener::run() {
  pthread_setname_np(pthread_self(), "store-news");
  for (;;) {
    try {
      return listen();
    } catch (const error_exception& e) {
      if (failures_ == 0) spdlog::warn("news of the store: {}", to_string(e.value()));
    } catch (const std::exception& e) {
      spdlog::error("news of the store: {}", e.what());
    }
    if (pause(pause_after(failures_++))) return;
  }
}

void listener::listen() {
  connection server{connection_};
  server.run((std::string{"LISTEN "} + news_channel).c_str());
  if (failures_ > 0) spdlog::info("news of the store are heard again");
  failures_ = 0;
  // What was committed before the LISTEN was told to nobody.
  watchers_->tell(std::vector<store_news>{{}});
  for (;;) {
    // Before the wait: some may have come with an answer, and nothing would wake us for them.
    while (auto text = server.notification())
      watchers_->tell(decode_news(*text));
    const auto asleep = std::chrono::steady_clock::now();
    if (server.wait(check_interval, wake_)) return;
    if (std::chrono::steady_clock::now() - asleep >= check_interval) server.run("SELECT 1");
  }
}

}  // namespace postern::runtime::postgres
