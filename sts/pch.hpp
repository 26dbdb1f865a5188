#pragma once
// Precompiled for all of sts/: what most of its files include.
#include "runtime/http_message.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>
