#include "sts/clients.hpp"

namespace postern::sts {

void client_directory::replace(std::vector<client> clients) {
  auto fresh = std::make_shared<table>();
  for (auto& c : clients) {
    auto id = c.id;
    fresh->insert_or_assign(std::move(id), std::move(c));
  }
  std::lock_guard lock{mutex_};
  clients_ = std::move(fresh);
}

std::shared_ptr<const client> client_directory::find(std::string_view id) const {
  std::shared_ptr<const table> clients;
  {
    std::lock_guard lock{mutex_};
    clients = clients_;
  }
  auto found = clients->find(id);
  if (found == clients->end()) return nullptr;
  return {clients, &found->second};
}

}  // namespace postern::sts
