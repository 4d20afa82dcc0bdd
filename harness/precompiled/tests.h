#pragma once

// The same for unit tests.

#include <gtest/gtest.h>

#include "code.h"
