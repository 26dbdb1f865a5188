#pragma once
// Precompiled for all unit tests of config/.
#include "tests/unit/pch.hpp"

#include <boost/json.hpp>

#include <filesystem>
