#pragma once

// The subcommands: each does what its arguments say; the result is the exit code.

#include <string_view>

#include "harness/base/result.h"
#include "harness/cli/arguments.h"

namespace sockdrill {

int carry_out(const Done& done);
int carry_out(const RunArguments& arguments);
int carry_out(const ListArguments& arguments);
int carry_out(const LintArguments& arguments);
int carry_out(const ExplainArguments& arguments);
int carry_out(const PlanArguments& arguments);
int carry_out(const ReplayArguments& arguments);
int carry_out(const JudgeArguments& arguments);
int carry_out(const EncodeArguments& arguments);
int carry_out(const DecodeArguments& arguments);
int carry_out(const DictionaryArguments& arguments);
int carry_out(const FuzzArguments& arguments);
int carry_out(const RecordArguments& arguments);
int carry_out(const DoctorArguments& arguments);

/// `sockdrill: where: message` on stderr; the exit code for bad usage.
int complain(const Error& error);
/// To standard output; what cannot be written there is lost on purpose (a closed pipe).
void print(std::string_view text);

}  // namespace sockdrill
