#include "harness/report/testing/readers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "harness/base/text.h"

namespace sockdrill::testing {

Said ask(const std::vector<std::string>& command, const std::string& report) {
  const std::string file = ::testing::TempDir() + "sockdrill-report-" + std::to_string(::getpid());
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
