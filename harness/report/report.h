#pragma once

// Renders verdicts and recordings. No logic of its own: whatever it shows has been decided by the
// judge.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/judge/judge.h"

namespace sockdrill {

/// One check on one target, finished.
struct RunResult {
  std::string check;
  std::string target;
  std::string summary;  ///< of the check
  Level level = Level::must;
  std::vector<std::string> source;  ///< of the check
  std::string catches;
  std::string scenario_file;
  std::string scenario_text;     ///< the file, so that the script line can be shown
  bool is_bundled_check = true;  ///< else the scenario is the user's own
  std::string server_file;  ///< the user's own manifest, or the script of --exec; "" for neither
  bool is_bad_input =
      false;  ///< ERROR because the scenario cannot be planned for this target (exit code 2)
  Verdict verdict;
  Nanoseconds took{0};
  /// Kept for what did not pass; of passes only the head is kept. Empty plan and recording for SKIP
  /// and some ERRORs.
  std::optional<Plan> plan;
  std::optional<Recording> recording;
  std::string server_output;   ///< tail of stdout and stderr, labelled
  std::string replay_command;  ///< one line to paste: runs exactly this again
  std::string artifact;        ///< where the recording was written; ""
};

struct Totals {
  std::size_t run = 0, passed = 0, known = 0, warned = 0, info = 0, skipped = 0, unknown = 0,
              failed = 0, errors = 0;
  Nanoseconds took{0};
  void add(const RunResult& result);
};

/// Called from one thread at a time.
class Reporter {
 public:
  virtual ~Reporter() = default;
  /// `runs` results are to come: as many of each target when nothing is sharded, target after
  /// target.
  virtual void begin(std::size_t runs, std::size_t checks, std::size_t targets) = 0;
  /// In the order of completion.
  virtual void add(const RunResult& result) = 0;
  /// Last. `exit_code` is what the command will return; `interrupted` after SIGINT: what was added
  /// so far is written all the same.
  virtual void end(const Totals& totals, int exit_code, bool interrupted) = 0;
};

struct ConsoleOptions {
  bool color = false;     ///< the caller has looked at isatty() and NO_COLOR
  bool progress = false;  ///< a terminal: one line is redrawn while running
  bool verbose = false;   ///< one line a run, passes and skips too
};

/// `write` takes finished text; it never fails as far as the reporter is concerned.
using Sink = std::function<void(std::string_view)>;
std::unique_ptr<Reporter> make_console_reporter(Sink write, ConsoleOptions options);
/// Written at the end. FAIL is a failure; UNKNOWN and ERROR are errors, with these as their type;
/// SKIP is skipped; WARN, INFO and KNOWN have passed, with their text in system-out.
std::unique_ptr<Reporter> make_junit_reporter(Sink write);
/// TAP version 13, a point as soon as it is known. UNKNOWN is "not ok"; KNOWN is a TODO.
std::unique_ptr<Reporter> make_tap_reporter(Sink write);
/// One object, written at the end; README.md describes it.
std::unique_ptr<Reporter> make_json_reporter(Sink write);

struct GithubOptions {
  std::string workspace;          ///< $GITHUB_WORKSPACE: annotated files are named from there
  std::string working_directory;  ///< from which relative paths are meant
};
/// GitHub Actions: `write` takes workflow commands that annotate files (FAIL and ERROR as errors,
/// UNKNOWN and WARN as warnings; repeats once), `summary` a text in Markdown at the end.
std::unique_ptr<Reporter> make_github_reporter(Sink write, Sink summary, GithubOptions options);

/// The full explanation of one result that did not pass: requirement and clause, script line,
/// ladder, expected and actual, located dump, the server's output, the replay command. Plain text,
/// or with colours.
std::string explain(const RunResult& result, bool color);
/// What happened as a ladder: clients on the left, the server on the right, the time in ms. Of a
/// finding's case, with its last evidence marked and what is far from it left out; without one, all
/// of the recording.
std::string draw_ladder(const Recording& recording, const Plan& plan, const Finding* finding,
                        bool color);
/// Expected and actual, 16 octets a row in hexadecimal and text, the first difference under a
/// caret, and in words whose pattern octets came instead.
std::string draw_difference(const Difference& difference, bool color);

}  // namespace sockdrill
