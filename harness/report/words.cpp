#include "harness/report/words.h"

#include <fmt/format.h>

#include "harness/base/text.h"

namespace sockdrill {

void Totals::add(const RunResult& result) {
  run += 1;
  took += result.took;
  switch (result.verdict.grade) {
    case Grade::pass:
      passed += 1;
      break;
    case Grade::known:
      known += 1;
      break;
    case Grade::warn:
      warned += 1;
      break;
    case Grade::info:
      info += 1;
      break;
    case Grade::skip:
      skipped += 1;
      break;
    case Grade::unknown:
      unknown += 1;
      break;
    case Grade::fail:
      failed += 1;
      break;
    case Grade::error:
      errors += 1;
      break;
  }
}

std::string headline_of(const RunResult& result) {
  const Verdict& verdict = result.verdict;
  if (!verdict.findings.empty() && !verdict.findings[0].headline.empty())
    return verdict.findings[0].headline;
  if (!verdict.reason.empty()) return verdict.reason;
  switch (verdict.grade) {
    case Grade::unknown:
      return "it could not be decided, and no reason was given";
    case Grade::error:
      return "this tool failed, and no reason was given";
    case Grade::skip:
      return "skipped without a reason";
    default:
      return to_string(verdict.grade);
  }
}

std::string sentence(std::string text) {
  if (text.empty()) return text;
  // Not the name of a function or a file: recv(), a/b.
  const bool is_name = text.substr(0, text.find(' ')).find_first_of("(_/.") != std::string::npos;
  if (!is_name && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  const char last = text.back();
  if (last != '.' && last != '!' && last != '?' && last != ':') text += '.';
  return text;
}

std::string duration(Nanoseconds span) {
  const double seconds = static_cast<double>(span.count()) / 1e9;
  if (seconds < 1.0) return fmt::format("{:.0f} ms", seconds * 1000.0);
  if (seconds < 120.0) return fmt::format("{:.2f} s", seconds);
  const auto whole = static_cast<long>(seconds);
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string counts(const Totals& totals) {
  std::string text;
  const auto add = [&](std::size_t count, const char* word) {
    if (count == 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", with_separators(count), word);
  };
  add(totals.passed, "passed");
  add(totals.failed, "failed");
  add(totals.errors, "in error");
  add(totals.unknown, "unknown");
  add(totals.warned, "with a warning");
  add(totals.known, "known to fail");
  add(totals.info, "for information");
  add(totals.skipped, "skipped");
  return text.empty() ? "nothing was run" : text;
}

std::string exit_code_meaning(int exit_code) {
  switch (exit_code) {
    case 0:
      return "all passed";
    case 1:
      return "a check failed";
    case 2:
      return "usage, or a bad scenario or manifest";
    case 3:
      return "a server did not start";
    case 4:
      return "nothing was selected";
    case 5:
      return "nothing failed, but something could not be decided";
    case 70:
      return "an error of this tool";
    case 130:
      return "interrupted";
    default:
      return "?";
  }
}

}  // namespace sockdrill
