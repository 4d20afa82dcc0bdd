#include "harness/campaign/llvm_tools.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/run_program.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/document/document.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

/// What it writes to stdout. The error: its last line on stderr.
Result<std::string> run_tool(std::vector<std::string> words) {
  const std::string name = words.at(0);
  ProgramRan ran = run_program(std::move(words));
  if (ran.error.value != 0) return fail(describe(ran.error), name);
  if (ran.is_done()) return std::move(ran.out);
  while (ran.err.ends_with('\n')) ran.err.pop_back();
  return fail(
      ran.err.empty() ? "it fails, and says nothing" : ran.err.substr(ran.err.rfind('\n') + 1),
      name);
}

/// "llvm-profdata-14" -> "-14"; nothing: it is something else.
std::optional<std::string> version_in(const std::string& name) {
  constexpr std::string_view kTool = "llvm-profdata";
  if (!name.starts_with(kTool)) return std::nullopt;
  std::string version = name.substr(kTool.size());
  const bool is_number =
      version.empty() ||
      (version[0] == '-' && version.find_first_not_of("0123456789", 1) == std::string::npos);
  return is_number ? std::optional(std::move(version)) : std::nullopt;
}

std::string program_in(const fs::path& folder, const std::string& name) {
  const std::string file = folder / name;
  return ::access(file.c_str(), X_OK) == 0 ? file : "";
}

/// Of `llvm-cov export -summary-only`.
Result<LinesCovered> read_summary(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  const Json::json_pointer place("/data/0/totals/lines");
  if (!json.is_object() || !json.contains(place)) return fail("its summary has no lines");
  const Json& lines = json[place];
  return LinesCovered{.lines = lines.value("count", std::uint64_t{0}),
                      .executed = lines.value("covered", std::uint64_t{0})};
}

}  // namespace

std::vector<LlvmTools> find_llvm_tools(const std::string& path) {
  std::vector<std::pair<int, LlvmTools>> found;
  for (const std::string& folder : split(path, ':')) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::optional<std::string> version = version_in(entry.path().filename());
      if (!version) continue;
      LlvmTools tools{.profdata = program_in(folder, "llvm-profdata" + *version),
                      .cov = program_in(folder, "llvm-cov" + *version),
                      .cxxfilt = program_in(folder, "llvm-cxxfilt" + *version)};
      const int rank = version->empty() ? INT_MAX : std::atoi(version->c_str() + 1);
      if (!tools.profdata.empty() && !tools.cov.empty()) found.emplace_back(rank, std::move(tools));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<LlvmTools> tools;
  for (auto& [rank, one] : found) tools.push_back(std::move(one));
  return tools;
}

Result<void> merge_counts(const LlvmTools& tools, const std::vector<std::string>& raw,
                          const std::string& profile) {
  std::vector<std::string> words{tools.profdata, "merge", "-sparse", "-o", profile};
  words.insert(words.end(), raw.begin(), raw.end());
  TRY_VOID(run_tool(std::move(words)));
  return {};
}

Result<LinesCovered> write_html(const LlvmTools& tools, const std::string& profile,
                                const std::vector<std::string>& objects,
                                const std::string& folder) {
  const auto run_on_all = [&](std::vector<std::string> words) {
    words.push_back("-instr-profile=" + profile);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (i > 0) words.emplace_back("-object");
      words.push_back(objects[i]);
    }
    return run_tool(std::move(words));
  };
  std::vector<std::string> show{tools.cov, "show", "-format=html", "-output-dir=" + folder};
  if (!tools.cxxfilt.empty()) show.push_back("-Xdemangler=" + tools.cxxfilt);
  TRY_VOID(run_on_all(std::move(show)));
  return read_summary(TRY(run_on_all({tools.cov, "export", "-summary-only"})));
}

}  // namespace sockdrill
