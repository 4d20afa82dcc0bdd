// What is kept of a run: artifacts, and what can be done with them later.

#include <filesystem>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

SCENARIO("a failure is kept, judged again to the same verdict, and replayed", "[artifacts]") {
  const std::string folder = write_file("kept", "") + ".d";
  const Ran ran = sockdrill(with_faulty_server(
      {"run", "lifecycle/one-client-after-another", "--artifacts", folder}, "flips-an-octet"));
  REQUIRE(ran.exit_code == 1);
  std::string recording;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".jsonl") recording = entry.path();
  }
  REQUIRE(!recording.empty());
  WHEN("it is judged again") {
    const Ran judged = sockdrill({"judge", recording});
    CHECK(judged.exit_code == 1);
    CHECK_THAT(judged.out, ContainsSubstring("differs from octet 20"));
  }
  WHEN("it is run again") {
    const Ran replayed = sockdrill({"replay", recording});
    CHECK(replayed.exit_code == 1);
    CHECK_THAT(replayed.out, ContainsSubstring("differs from octet 20"));
  }
  WHEN("it is broken off in the middle") {
    std::filesystem::resize_file(recording, std::filesystem::file_size(recording) / 2);
    const Ran judged = sockdrill({"judge", recording});
    CHECK(judged.exit_code != 134);  // no crash; whatever is left is judged or found wanting
  }
}

SCENARIO("all reports tell the same story", "[report]") {
  const std::string junit = write_file("junit.xml", "");
  const std::string tap = write_file("results.tap", "");
  const Ran ran = sockdrill(with_faulty_server(
      {"run", "lifecycle/one-client-after-another", "abort/reset-while-idle", "--report",
       "junit=" + junit, "--report", "tap=" + tap, "--report", "json"},
      "flips-an-octet"));
  CHECK(ran.exit_code == 1);
  CHECK_THAT(ran.out,
             ContainsSubstring("\"exit_code\": 1") || ContainsSubstring("\"exit_code\":1"));
}

}  // namespace sockdrill::spec
