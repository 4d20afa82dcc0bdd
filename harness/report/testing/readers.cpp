#include "harness/report/testing/readers.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "harness/base/text.h"

namespace sockdrill::testing {

Said ask(const std::vector<std::string>& command, const std::string& report) {
  // One file a test: several run at a time.
  const std::string file = ::testing::TempDir() + "sockdrill-report-" +
                           ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::ofstream(file, std::ios::binary) << report;
  std::string line;
  for (const std::string& word : command) line += quote_for_shell(word) + " ";
  Said said;
  if (FILE* output = ::popen((line + "- < " + quote_for_shell(file) + " 2>&1").c_str(), "r")) {
    std::array<char, 4096> chunk{};
    for (std::size_t count = 0; (count = std::fread(chunk.data(), 1, chunk.size(), output)) > 0;)
      said.text.append(chunk.data(), count);
    said.status = ::pclose(output);
  }
  static_cast<void>(std::remove(file.c_str()));
  return said;
}

}  // namespace sockdrill::testing
