// Version 3 of Catch2 brings a main of its own, version 2 wants it generated.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
