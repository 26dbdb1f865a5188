#pragma once
// Precompiled for all unit tests of runtime/.
#include "runtime/pch.hpp"
#include "tests/unit/pch.hpp"

#include <future>
