// Line coverage of a server under a campaign's corpus, as HTML.

#include <cstdlib>
#include <filesystem>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

#ifdef SOCKDRILL_CLANG

namespace {

/// counted_server.c, built with these options.
std::string build_counted_server(const std::vector<std::string>& options) {
  const std::string folder = make_folder("counted");
  std::string program = folder + "/counted-server";
  // Some options leave files where the compiler runs.
  std::vector<std::string> line{"env",
                                "--chdir=" + folder,
                                SOCKDRILL_CLANG,
                                SOCKDRILL_SOURCE "/harness/spec/counted_server.c",
                                "-g",
                                "-o",
                                program};
  line.insert(line.end(), options.begin(), options.end());
  const Ran ran = run_program(line);
  CAPTURE(ran.err);
  REQUIRE(ran.exit_code == 0);
  return program;
}

Ran cover(const std::string& program, const std::string& campaign,
          std::vector<std::string> words = {"--coverage"}) {
  words.insert(words.begin(),
               {"fuzz", "--exec", program + " {port}", "--speaks", "echo", "--corpus", campaign});
  return sockdrill(words);
}

bool has_no_llvm(const Ran& ran) {
  return ran.err.find("install LLVM's tools") != std::string::npos;
}

/// Of all pages in the folder and below.
std::string all_html_in(const std::string& folder) {
  std::string html;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".html") html += read_file(entry.path());
  }
  return html;
}

/// How often the source line with this text was executed, as its page has it: "0", "1.2k"; "" when
/// there is no such line, or nothing is counted in it.
std::string count_of_line(const std::string& html, const std::string& text) {
  const std::size_t at = html.find(text);
  if (at == std::string::npos) return "";
  const std::size_t row = html.rfind("<td class='line-number'>", at);
  constexpr std::string_view kCount = "covered-line'><pre>";  // and uncovered-line
  const std::size_t count = html.find(kCount, row);
  if (row == std::string::npos || count == std::string::npos || count > at) return "";
  const std::size_t begin = count + kCount.size();
  return html.substr(begin, html.find('<', begin) - begin);
}

}  // namespace

SCENARIO("the lines of a server that a corpus executes are shown", "[fuzz][coverage]") {
  const bool is_for_fuzzing = GENERATE(false, true);
  std::vector<std::string> options{"-fprofile-instr-generate", "-fcoverage-mapping"};
  if (is_for_fuzzing) options.emplace_back("-fsanitize=fuzzer-no-link");
  const std::string server = build_counted_server(options);
  const std::string campaign = make_folder("campaign");
  const std::string html = make_folder("html");
  const Ran ran = cover(server, campaign, {"--coverage", html});
  CAPTURE(is_for_fuzzing, ran.out, ran.err);
  if (has_no_llvm(ran)) return;
  REQUIRE(ran.exit_code == 0);
  CHECK_THAT(ran.out, ContainsSubstring(html + "/index.html"));
  CHECK(std::filesystem::exists(html + "/index.html"));
  const std::string pages = all_html_in(html);
  CHECK(count_of_line(pages, "// never") == "0");
  // One server has played it all; its children's variables are not its own, their counts are.
  CHECK(count_of_line(pages, "// once a start") == "1");
  CHECK(std::atoi(count_of_line(pages, "// in a child").c_str()) > 1);
  CHECK_FALSE(std::filesystem::exists(campaign + "/lines"));

  if (!is_for_fuzzing) return;
  const Ran fuzzed = cover(server, campaign, {"--for", "1", "--world", "simulated"});
  CAPTURE(fuzzed.out, fuzzed.err);
  CHECK(fuzzed.exit_code == 0);
  const Ran more = cover(server, campaign);
  CAPTURE(more.out, more.err);
  CHECK(more.exit_code == 0);
  CHECK(std::filesystem::exists(campaign + "/coverage/index.html"));
  CHECK_FALSE(std::filesystem::exists("default.profraw"));
}

SCENARIO("where lines are not counted, it is said what to do", "[fuzz][coverage]") {
  struct Case {
    std::vector<std::string> options;
    const char* complaint;
  };
  const Case tried = GENERATE(
      Case{{}, "build it with clang and -fprofile-instr-generate -fcoverage-mapping"},
      Case{{"-fprofile-instr-generate"}, "without -fcoverage-mapping"},
      Case{{"-fprofile-instr-generate", "-fcoverage-mapping", "-s"}, "symbols were stripped"},
      Case{{"--coverage"}, "gcov"});
  const Ran ran = cover(build_counted_server(tried.options), make_folder("campaign"));
  CAPTURE(tried.complaint, ran.out, ran.err);
  if (has_no_llvm(ran)) return;
  CHECK(ran.exit_code == 3);
  CHECK_THAT(ran.err, ContainsSubstring(tried.complaint));
}

#endif

SCENARIO("where pages cannot be written, it is said", "[fuzz][coverage]") {
  const Ran ran = sockdrill({"fuzz", "-t", "tcp-poll:echo", "--corpus", make_folder("campaign"),
                             "--coverage", "/proc/self/status/html"});
  CAPTURE(ran.out, ran.err);
  CHECK(ran.exit_code == 2);
  CHECK_THAT(ran.err, ContainsSubstring("/proc/self/status/html: cannot be made"));
}

SCENARIO("lines are counted on the simulated kernel only", "[fuzz][coverage]") {
  const Ran ran = sockdrill({"fuzz", "-t", "tcp-poll:echo", "--world", "real", "--coverage"});
  CAPTURE(ran.out, ran.err);
  CHECK(ran.exit_code == 2);
  CHECK_THAT(ran.err, ContainsSubstring("on the simulated kernel only"));
}

}  // namespace sockdrill::spec
