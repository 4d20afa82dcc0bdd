#include "harness/fuzz/dictionary.h"

#include "harness/base/try.h"
#include "harness/cli/command.h"
#include "harness/cli/form.h"

namespace sockdrill {

namespace {

Result<int> write_words(const DictionaryArguments& arguments) {
  const Installation installation = TRY(find_installation());
  const Target target = TRY(target_of(installation, arguments.form, {}));
  TRY_VOID(write_output(arguments.output, write_dictionary(dictionary_of(target.speaks))));
  return kExitPassed;
}

}  // namespace

int carry_out(const DictionaryArguments& arguments) {
  const Result<int> done = write_words(arguments);
  return done ? *done : complain(done.error());
}

}  // namespace sockdrill
