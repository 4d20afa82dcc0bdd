#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/cli/form.h"
#include "harness/fuzz/compact.h"

namespace sockdrill {

namespace {

constexpr std::size_t kLargestForm = std::size_t{16} << 20U;

Result<Bytes> read_form(const std::string& path) {
  SysResult<std::string> octets = read_file(path, kLargestForm);
  if (!octets && octets.error() == Errno{EISDIR})
    return fail("is a folder, expected a compact form", path);
  if (!octets && octets.error() == Errno{EFBIG})
    return fail(fmt::format("is larger than {} bytes", with_separators(kLargestForm)), path);
  if (!octets) return fail(fmt::format("cannot be read: {}", describe(octets.error())), path);
  if (const Result<void> good = check_version(*octets); !good)
    return fail(good.error().message, path);
  return std::move(*octets);
}

Result<int> decode_file(const DecodeArguments& arguments) {
  const Installation installation = TRY(find_installation());
  const Bytes octets = TRY(read_form(arguments.file));
  // Whom the scenario is for stands in its texts, which are the same for every target.
  const Target any = TRY(target_of(installation, {}, {}));
  const Applies applies = decode(octets, any, Budget{.steps = 1, .octets = 0}).applies;
  const Target target = TRY(target_of(installation, arguments.form, applies));
  TRY_VOID(write_output(arguments.output, write_scenario_file(decode(octets, target))));
  return kExitPassed;
}

}  // namespace

int carry_out(const DecodeArguments& arguments) {
  const Result<int> done = decode_file(arguments);
  return done ? *done : complain(done.error());
}

}  // namespace sockdrill
