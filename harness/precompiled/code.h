#pragma once

// What most files of ours include of other people's headers; compiled once. Every file includes
// what it uses all the same: a build with SOCKDRILL_PRECOMPILE=OFF shows who does not.

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <tl/expected.hpp>
