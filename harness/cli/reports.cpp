#include "harness/cli/reports.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "harness/base/errno.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/cli/command.h"

namespace sockdrill {

namespace {

bool wants_color(int fd) { return ::isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr; }

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Opened for a sink that writes to it; kept, so that its end is checked.
Result<Sink> open_sink(const std::string& path, std::ios::openmode mode, Reports& reports) {
  ReportFile file{.path = path,
                  .stream = std::make_shared<std::ofstream>(path, std::ios::binary | mode)};
  if (!*file.stream)
    return fail(fmt::format("cannot be written: {}", describe(last_errno())), path);
  reports.files.push_back(file);
  return [stream = file.stream](std::string_view text) {
    stream->write(text.data(), static_cast<std::streamsize>(text.size()));
  };
}

Result<std::unique_ptr<Reporter>> make_github(const Sink& sink, Reports& reports) {
  // The summary belongs to the whole job: others may have written to it before.
  const std::string path = variable("GITHUB_STEP_SUMMARY");
  Sink summary = [](std::string_view) {};
  if (!path.empty()) summary = TRY(open_sink(path, std::ios::app, reports));
  std::error_code error;
  return make_github_reporter(
      sink, summary,
      GithubOptions{.workspace = variable("GITHUB_WORKSPACE"),
                    .working_directory = std::filesystem::current_path(error)});
}

Result<std::unique_ptr<Reporter>> make_reporter(const std::string& format, const Sink& sink,
                                                const ConsoleOptions& console, Reports& reports) {
  const std::vector<std::string> formats = {"console", "junit", "tap", "json", "github"};
  if (format == "console") return make_console_reporter(sink, console);
  if (format == "junit") return make_junit_reporter(sink);
  if (format == "tap") return make_tap_reporter(sink);
  if (format == "json") return make_json_reporter(sink);
  if (format == "github") return make_github(sink, reports);
  return fail(fmt::format("unknown format '{}': expected {}{}", format, join_or(formats),
                          did_you_mean(format, formats)),
              "--report");
}

}  // namespace

Result<Reports> open_reports(const std::vector<std::string>& words, StandardOutput standard_output,
                             bool verbose) {
  Reports reports;
  const ConsoleOptions console{.color = wants_color(STDOUT_FILENO),
                               .progress = ::isatty(STDOUT_FILENO) == 1,
                               .verbose = verbose};
  std::vector<std::string> on_stdout;
  for (const std::string& report : words) {
    const std::size_t equals = report.find('=');
    const std::string format = report.substr(0, equals);
    const bool has_file = equals != std::string::npos;
    if (!has_file && standard_output == StandardOutput::not_ours)
      return fail(fmt::format("'{}': expected a file, as in junit=report.xml", report), "--report");
    if (!has_file) on_stdout.push_back(format);
    const Sink sink = has_file ? TRY(open_sink(report.substr(equals + 1), std::ios::trunc, reports))
                               : Sink(print);
    reports.reporters.push_back(TRY(make_reporter(
        format, sink, has_file ? ConsoleOptions{.verbose = verbose} : console, reports)));
  }
  if (standard_output == StandardOutput::not_ours) return reports;
  // GitHub's annotations are lines between the console's, which is there whenever nothing else is.
  const bool has_annotations = std::erase(on_stdout, "github") > 0;
  if (on_stdout.empty()) {
    reports.reporters.insert(reports.reporters.begin(), make_console_reporter(print, console));
    return reports;
  }
  if (on_stdout.size() > 1 || (has_annotations && on_stdout[0] != "console"))
    return fail("two reports want standard output: give one of them a file, as in junit=report.xml",
                "--report");
  return reports;
}

Result<void> finish(const Reports& reports) {
  for (const ReportFile& file : reports.files) {
    file.stream->flush();
    if (!*file.stream)
      return fail(fmt::format("the report is not complete: {}", describe(last_errno())), file.path);
  }
  return {};
}

}  // namespace sockdrill
