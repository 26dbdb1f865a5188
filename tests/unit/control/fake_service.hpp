#pragma once
// A service of canned answers: takes the place of the network in the tests of control/.

#include "control/exchange.hpp"

#include <deque>
#include <string>
#include <vector>

namespace postern::control {

/// Answers requests in order and remembers them. Without an answer left, the network fails.
class fake_service {
 public:
  struct seen {
    std::string host;
    std::string method;
    std::string target;
    std::string authorization;
    std::string body;
  };

  void answer(unsigned status, std::string body, std::string type = "application/json") {
    runtime::http_response response{static_cast<runtime::http_status>(status), 11};
    response.set(runtime::http_field::content_type, type);
    response.body() = std::move(body);
    answers_.emplace_back(std::move(response));
  }
  void fail() { answers_.emplace_back(refusal("the network is down")); }

  exchange send() {
    return [this](const config::web_url& where, runtime::http_request request) {
      auto text = [](auto view) { return std::string{view.data(), view.size()}; };
      requests.push_back({where.authority(), text(request.method_string()), text(request.target()),
                          text(request[runtime::http_field::authorization]), request.body()});
      if (answers_.empty()) return outcome<runtime::http_response>{refusal("no answer left")};
      auto next = std::move(answers_.front());
      answers_.pop_front();
      return next;
    };
  }

  std::vector<seen> requests;

 private:
  std::deque<outcome<runtime::http_response>> answers_;
};

inline config::web_url url(std::string_view text) {
  return config::parse_web_url(text).value();
}

}  // namespace postern::control
