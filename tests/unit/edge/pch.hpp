#pragma once
// Precompiled for all unit tests of edge/.
#include "edge/edge_context.hpp"
#include "edge/pch.hpp"
#include "tests/unit/pch.hpp"
