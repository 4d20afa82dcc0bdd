// Hostile recordings: no crash, no hang, and what is read is written and read again to the same
// value.

#include <cstdint>
#include <string>

#include "harness/base/check.h"
#include "harness/recording/recording.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sockdrill;
  const Result<Recording> recording = read_recording(std::string(data, data + size), "fuzz.jsonl");
  if (!recording) return 0;
  const std::string written = write_recording(*recording);
  const Result<Recording> again = read_recording(written, "again.jsonl");
  SOCKDRILL_CHECK(again.has_value(), "a written recording is not one");
  SOCKDRILL_CHECK(write_recording(*again) == written, "writing and reading changed a recording");
  return 0;
}
