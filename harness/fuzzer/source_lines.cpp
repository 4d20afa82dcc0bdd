#include "harness/fuzzer/source_lines.h"

#include <vector>

#include <fmt/format.h>

#include "harness/base/run_program.h"
#include "harness/base/text.h"

namespace sockdrill {

namespace {

/// "0x1234" of "    #1 0x5581 in f (module+0x1234)"; "": it is none of the module's.
std::string offset_in(const std::string& frame, const std::string& module) {
  const std::string mark = " (" + module + "+";
  const std::size_t at = frame.find(mark);
  if (!frame.starts_with("    #") || at == std::string::npos) return {};
  const std::size_t begin = at + mark.size();
  return frame.substr(begin, frame.find(')', begin) - begin);
}

/// A frame that has called another one stands behind its call: the line is that of the call.
std::string looked_up_at(const std::string& frame, const std::string& offset) {
  const bool is_last = frame.starts_with("    #0 ");
  return fmt::format("{:#x}", std::stoull(offset, nullptr, 16) - (is_last ? 0 : 1));
}

}  // namespace

std::string with_source_lines(const std::string& stack, const std::string& module,
                              const std::string& program) {
  std::vector<std::string> words{"addr2line", "-e", program};
  std::vector<std::string> lines = split(stack, '\n');
  for (const std::string& line : lines) {
    if (const std::string offset = offset_in(line, module); !offset.empty())
      words.push_back(looked_up_at(line, offset));
  }
  if (words.size() == 3) return stack;
  const std::vector<std::string> places = split(run_program(std::move(words)).out, '\n');
  std::size_t next = 0;
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += '\n';
    text += line;
    if (offset_in(line, module).empty() || next == places.size()) continue;
    // "server.c:12 (discriminator 3)", or "??:0".
    const std::string place = places[next].substr(0, places[next].find(" ("));
    if (place.find('?') == std::string::npos && !place.empty()) text += " " + place;
    ++next;
  }
  return text;
}

}  // namespace sockdrill
