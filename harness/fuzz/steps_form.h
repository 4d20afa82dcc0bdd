#pragma once

// The grammar of the compact form: how steps, payloads, faults and schedules stand in octets.
// Internal to fuzz/.

#include "harness/fuzz/codec.h"
#include "harness/fuzz/legal.h"
#include "harness/scenario/scenario.h"
#include "harness/target/target.h"

namespace sockdrill {

/// What stands in the section of texts, and what steps refer to by number.
struct FormTexts {
  Scenario head;                                             ///< without steps, faults, schedule
  std::vector<std::string> names;                            ///< of clients, by number
  std::vector<std::pair<std::size_t, std::string>> notes;    ///< by the number of the step
  std::vector<std::pair<std::size_t, std::string>> clauses;  ///< `because`, by that of the outcome
};

/// Where a pass over the steps is.
struct FormContext {
  const Target& target;
  FormTexts& texts;  ///< writing: is filled
  std::size_t step = 0;
  std::size_t outcome = 0;
};

void pass_steps(Codec& codec, std::vector<Step>& steps, FormContext& context);
void pass_payload(Codec& codec, Payload& payload, FormContext& context, int depth = 0);
void pass_faults(Codec& codec, std::vector<Fault>& faults);
void pass_schedule(Codec& codec, Schedule& schedule);
/// A client's name, or a crowd's.
void pass_name(Codec& codec, std::string& name, FormContext& context);
/// A word of the list, or any other that `is_good` takes.
void pass_word(Codec& codec, std::string& word, const std::vector<std::string>& list,
               bool (*is_good)(std::string_view), const char* what);

}  // namespace sockdrill
