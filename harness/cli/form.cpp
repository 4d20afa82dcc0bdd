#include "harness/cli/form.h"

#include <algorithm>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/plan/plan.h"

namespace sockdrill {

Result<Target> target_of(const Installation& installation, const FormArguments& form,
                         const Applies& applies) {
  if (!form.target.empty()) {
    if (!form.speaks.empty() || !form.over.empty())
      return fail("--target says what it speaks: leave out --speaks and --over", "--target");
    return TRY(select_targets(installation, {form.target})).front();
  }
  ExecTarget wanted{.command = "server {port} {path}", .speaks = form.speaks, .over = form.over};
  if (wanted.over.empty())
    wanted.over = applies.transport.empty() ? "tcp" : to_string(applies.transport[0]);
  if (wanted.speaks.empty()) {
    const std::vector<std::string> names = built_in_dialogue_names();
    const auto named = std::find_first_of(applies.speaks.begin(), applies.speaks.end(),
                                          names.begin(), names.end());
    wanted.speaks = named == applies.speaks.end() ? "echo" : *named;
  }
  return exec_target(installation, wanted);
}

Result<Bytes> encode_case(const Scenario& scenario, const Target& target, Texts texts) {
  if (const std::optional<std::string> reason = why_not(scenario, target))
    return fail(fmt::format("is not for this server: {}", *reason), scenario.id);
  const Result<Bytes> octets = encode(scenario, target, texts);
  if (!octets) return fail(octets.error().message, scenario.id);
  const Scenario wanted = texts == Texts::keep ? scenario : without_texts(scenario);
  if (decode(*octets, target) != wanted)
    return fail("cannot be played against this server as it is (`sockdrill plan` says why)",
                scenario.id);
  return octets;
}

Result<void> write_output(const std::string& path, std::string_view octets) {
  if (path.empty()) {
    print(octets);
    return {};
  }
  if (const auto written = write_file(path, octets); !written)
    return fail(fmt::format("cannot be written: {}", describe(written.error())), path);
  return {};
}

}  // namespace sockdrill
