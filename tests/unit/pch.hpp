#pragma once
// For the precompiled headers of all folders: CAF, and what its test header includes.
#include <caf/all.hpp>

#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
