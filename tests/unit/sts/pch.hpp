#pragma once
// Precompiled for the tests of sts/.
#include "runtime/http_message.hpp"

#include <boost/json.hpp>

#include <map>
#include <memory>
#include <regex>
#include <string>
#include <vector>
