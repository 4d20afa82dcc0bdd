#pragma once

// The compact form of a scenario: the octets that a fuzzer works on.
//
//   octet 0        the version, 2
//   faults         LEB128 length, then the faults, one after another
//   schedule       LEB128 length, then the seed (LEB128) and the choices, one octet each
//   texts          LEB128 length, then JSON: what people read (id, summary, notes ...), or nothing
//   steps          all the rest
//
// Numbers are LEB128, counted from the smallest legal value and taken modulo their range;
// enumerators are their place in the language; clients are numbers. steps_form.cpp and
// payload_form.cpp are the whole grammar; whoever changes it changes the version. The sections
// stand apart, so that steps, faults and schedule shrink each alone.
//
// Total in both directions. Any octets decode to a scenario that a target can be put through:
// decode() repairs what cannot be played (see legal.h). Every scenario that fits is decoded to
// itself; outside of the form are what is no business of a fuzzer: programs to run and files to
// read.

#include <cstdint>
#include <string_view>

#include "harness/fuzz/legal.h"
#include "harness/scenario/scenario.h"
#include "harness/target/target.h"

namespace sockdrill {

inline constexpr std::uint8_t kCompactVersion = 3;

enum class Texts { keep, leave_out };

/// The error says what does not fit: "it runs a program". `target` gives the fields of requests
/// their numbers.
Result<Bytes> encode(const Scenario& scenario, const Target& target, Texts texts = Texts::keep);

/// Never fails. A scenario without texts is called fuzz/input.
Scenario decode(std::string_view octets, const Target& target, const Budget& budget = {});

/// Bad: what is no compact form, or one of another version. decode() asks no such thing; people who
/// mistake a file do.
Result<void> check_version(std::string_view octets);

/// What a scenario says to a server, without what it says to people: no texts, clients named a, b,
/// c ... in the order of their first steps. What is drawn from clients' names is drawn anew.
Scenario without_texts(Scenario scenario);

/// a to z, then x-26 and so on.
std::string client_name(std::size_t number);

inline constexpr std::size_t kMostNames = 64;

}  // namespace sockdrill
