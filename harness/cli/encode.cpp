#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/cli/form.h"
#include "harness/cli/selection.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

struct NamedCase {
  std::string name;  ///< a file's
  Scenario scenario;
};

/// All cases that agree with --set.
Result<std::vector<NamedCase>> cases_of(const std::vector<Check>& checks, const Bindings& only) {
  std::vector<NamedCase> cases;
  for (const Check& check : checks) {
    for (std::size_t i = 0; i < check.cases.size(); ++i) {
      const Bindings& bindings = check.cases[i];
      if (!agrees(bindings, only)) continue;
      std::string name = check.first.id;
      std::replace(name.begin(), name.end(), '/', '.');
      if (check.cases.size() > 1) name += fmt::format(".{}", i);
      cases.push_back({name, TRY(read_scenario(check.document, bindings))});
    }
  }
  return cases;
}

/// A file a case. What is not for the server, or does not fit, is left out and told.
Result<int> encode_into_folder(const Installation& installation, const EncodeArguments& arguments,
                               const std::vector<NamedCase>& cases, Texts texts) {
  std::error_code error;
  fs::create_directories(arguments.output, error);
  if (error) return fail(fmt::format("cannot be made: {}", error.message()), arguments.output);
  std::size_t written = 0;
  for (const NamedCase& one : cases) {
    const Target target = TRY(target_of(installation, arguments.form, one.scenario.applies));
    const Result<Bytes> octets = encode_case(one.scenario, target, texts);
    if (!octets) {
      print(fmt::format("left out: {}\n", to_string(octets.error())));
      continue;
    }
    TRY_VOID(write_output(fs::path(arguments.output) / one.name, *octets));
    ++written;
  }
  print(fmt::format("{} written\n", count_of(written, "file")));
  return written == 0 ? kExitNothing : kExitPassed;
}

Result<int> encode_checks(const EncodeArguments& arguments) {
  const Installation installation = TRY(find_installation());
  const Bindings only = TRY(read_bindings(arguments.set));
  const std::vector<Check> checks = TRY(select_checks(installation, arguments.checks));
  const std::vector<NamedCase> cases = TRY(cases_of(checks, only));
  if (cases.empty()) return fail("no case agrees with it", "--set");
  const Texts texts = arguments.without_texts ? Texts::leave_out : Texts::keep;
  const bool is_folder = arguments.output.ends_with('/') || fs::is_directory(arguments.output);
  if (is_folder) return encode_into_folder(installation, arguments, cases, texts);
  if (cases.size() > 1)
    return fail(fmt::format("{} cases: choose one with --set, or give a folder with --output DIR/",
                            cases.size()),
                checks.size() == 1 ? checks[0].first.id : "");
  const Scenario& scenario = cases[0].scenario;
  const Target target = TRY(target_of(installation, arguments.form, scenario.applies));
  TRY_VOID(write_output(arguments.output, TRY(encode_case(scenario, target, texts))));
  return kExitPassed;
}

}  // namespace

int carry_out(const EncodeArguments& arguments) {
  const Result<int> done = encode_checks(arguments);
  return done ? *done : complain(done.error());
}

}  // namespace sockdrill
