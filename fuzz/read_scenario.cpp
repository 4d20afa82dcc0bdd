// Hostile scenario files: no crash, no hang, and what is read is written and read again to the same
// value.

#include <cstdint>
#include <string>

#include "harness/base/check.h"
#include "harness/scenario/scenario.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill;
  Result<Document> document = parse_document(std::string(data, data + size), "fuzz.json");
  if (!document) return 0;
  const Result<Scenario> scenario = read_scenario(*document, {});
  if (!scenario) return 0;
  const Json written = write_scenario(*scenario);
  const Result<Document> again =
      parse_document(written.dump(-1, ' ', false, Json::error_handler_t::replace), "again.json");
  SOCKDRILL_CHECK(again.has_value(), "a written scenario is not JSON");
  const Result<Scenario> reread = read_scenario(*again, {});
  SOCKDRILL_CHECK(reread.has_value(), "a written scenario is not one");
  SOCKDRILL_CHECK(write_scenario(*reread) == written, "writing and reading changed a scenario");
  return 0;
}
