#pragma once
// Precompiled for all unit tests of runtime/.
#include <boost/asio.hpp>
#include <boost/json.hpp>
#include <caf/all.hpp>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
