#pragma once

// The same for unit tests.

#include <gtest/gtest.h>

#include "harness/precompiled/code.h"
