// The runner of CAF's unit tests.
#include <caf/test/unit_test_impl.hpp>
