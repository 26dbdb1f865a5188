// What the edge answers by itself on an HTTP/1.1 connection: requests for the service and for the
// reserved pages of applications, refusals, the access log, and the end of the connection.

#include "edge/http1_connection.hpp"
#include "edge/site.hpp"
#include "runtime/limits.hpp"
#include "runtime/log.hpp"

#include <array>

namespace postern::edge {

namespace limits = runtime::limits;
using runtime::awaitable;
using runtime::error;
using runtime::error_category;
using runtime::io_status;

namespace {

// After a refusal the rest of what the user sends is read and thrown away this long, so that the
// answer is not lost to a reset.
constexpr auto linger_time = std::chrono::seconds{2};
constexpr size_t linger_bytes = 256 * 1024;

}  // namespace

awaitable<bool> http1_connection::read_service_content(const checked_request& request,
                                                       std::string& content) {
  if (content_ended_) co_return true;
  if (request.expects_continue) {
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    flush();
  }
  // The head's views point into the input buffer: the content is read through a buffer of its own.
  service_content_ = &content;
  std::string pending{input()};
  in_begin_ = in_end_;
  bool good = true;
  std::string more(runtime::buffer_pool::buffer_size, '\0');
  while (good && !parser_->done()) {
    const auto taken = parser_->parse_content(pending, *this);
    good = taken && content.size() <= limits::service_content_bytes &&
           pending.size() <= limits::head_bytes;
    if (!good) break;
    pending.erase(0, *taken);
    if (parser_->done()) break;
    const auto outcome = connection_.try_read(more);
    if (outcome.status == io_status::done)
      pending.append(more, 0, outcome.bytes);
    else if (outcome.status == io_status::want_read || outcome.status == io_status::want_write)
      good = co_await connection_.wait_for(outcome.status);
    else
      good = false;
  }
  service_content_ = nullptr;
  content_ended_ = good;
  // What follows belongs to the next request; keeping it would need the buffer that the head still
  // uses.
  if (!pending.empty()) keep_alive_ = false;
  co_return good;
}

awaitable<bool> http1_connection::read_service_request(const checked_request& request,
                                                       service_request& whole) {
  if (!co_await read_service_content(request, whole.message.body())) {
    keep_alive_ = false;
    refuse({error_category::too_large, "content_too_large", "request", {}});
    co_return false;
  }
  whole.message.method_string(request.method);
  whole.message.target(request.target);
  for (const auto& f : parser_->fields())
    whole.message.insert(f.name, f.value);
  whole.host = std::string{request.host};
  whole.client_address = client_address_;
  whole.request_id = request_id_;
  co_return true;
}

awaitable<void> http1_connection::serve_service(const checked_request& request) {
  service_request whole;
  if (!co_await read_service_request(request, whole)) co_return;
  whole.peer_certificate_pem = runtime::peer_certificate_pem(connection_.tls());
  respond(co_await site_.handle(std::move(whole)));
}

void http1_connection::refuse(const error& why) {
  runtime::log_event(spdlog::level::info, "refused",
                     {{"request_id", request_id_},
                      {"cause", why.cause},
                      {"source", why.source},
                      {"address", client_address_},
                      {"detail", why.detail}});
  respond(make_refusal(why, request_id_, form_));
}

void http1_connection::respond(runtime::http_response response) {
  if (!content_ended_) keep_alive_ = false;
  response_status_ = response.result_int();
  response.version(11);
  response.keep_alive(keep_alive_);
  const bool bodiless = response_status_ == 204 || response_status_ == 304;
  write_status_line(response_status_);
  for (const auto& field : response) {
    if (field.name() == runtime::http_field::content_length) continue;
    const auto name = field.name_string();
    const auto value = field.value();
    out_.append(name.data(), name.size())
        .append(": ")
        .append(value.data(), value.size())
        .append("\r\n");
  }
  if (!bodiless) out_ += "content-length: " + std::to_string(response.body().size()) + "\r\n";
  out_ += "\r\n";
  if (!head_request_ && !bodiless) out_ += response.body();
  wants_flush();
}

void http1_connection::write_access_log() {
  if (!context_.options.log.access) return;
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started_at_);
  const auto status = std::to_string(response_status_);
  const auto duration = std::to_string(spent.count());
  runtime::log_event(
      spdlog::level::info, "access",
      {{"request_id", request_id_},
       {"method", facts_.method},
       {"host", facts_.host},
       {"path", facts_.path},
       {"status", status},
       {"ms", duration},
       {"user", session_ ? std::string_view{session_->session.user.name} : std::string_view{}},
       {"address", client_address_}});
}

awaitable<void> http1_connection::finish_output() {
  if (!out_.empty()) {
    flush();
    context_.home.timers().arm(
        deadline_, limits::keep_alive_timeout,
        [](void* raw) { static_cast<http1_connection*>(raw)->drop_connection(); }, this);
  }
  while (!out_.empty() && !dropped_)
    co_await point_.wait();
  deadline_.disarm();
  if (in_begin_ == in_end_) {
    release_input();
    std::string{}.swap(out_);
  }
}

awaitable<void> http1_connection::close_gently() {
  if (dropped_) co_return;
  if (!content_ended_) {
    boost::system::error_code ignored;
    SSL_shutdown(connection_.tls());
    connection_.socket().shutdown(runtime::tcp_socket::shutdown_send, ignored);
    context_.home.timers().arm(
        deadline_, linger_time,
        [](void* raw) { static_cast<http1_connection*>(raw)->drop_connection(); }, this);
    std::array<char, 4096> waste{};
    for (size_t total = 0; total < linger_bytes && !dropped_;) {
      const auto outcome =
          ::recv(connection_.socket().native_handle(), waste.data(), waste.size(), MSG_DONTWAIT);
      if (outcome > 0)
        total += static_cast<size_t>(outcome);
      else if (outcome == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ||
               !co_await connection_.wait_readable())
        break;
    }
    deadline_.disarm();
  }
  connection_.shutdown();
}

}  // namespace postern::edge
