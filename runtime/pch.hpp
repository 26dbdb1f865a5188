#pragma once
// Precompiled for all of runtime/: what most of its files include.
#include <boost/asio.hpp>
#include <boost/json.hpp>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>
