// Hostile manifests: no crash, no hang, and each target that is read is written and read again to
// the same value.

#include <cstdint>
#include <string>

#include "harness/base/check.h"
#include "harness/target/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill;
  const Result<Document> document = parse_document(std::string(data, data + size), "fuzz.json");
  if (!document) return 0;
  const Result<std::vector<Target>> targets = read_targets(*document);
  if (!targets) return 0;
  for (Target target : *targets) {
    const Json written = write_target(target);
    const Result<Document> again = parse_document(written.dump(), "again.json");
    SOCKDRILL_CHECK(again.has_value(), "a written target is not JSON");
    const Result<std::vector<Target>> reread = read_targets(*again);
    SOCKDRILL_CHECK(reread.has_value() && reread->size() == 1, "a written target is not one");
    SOCKDRILL_CHECK(write_target(reread->front()) == written,
                    "writing and reading changed a target");
    SOCKDRILL_CHECK(reread->front().speaks == target.speaks,
                    "writing and reading changed a dialogue");
  }
  return 0;
}
