#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/base/try.h"
#include "harness/campaign/status.h"
#include "harness/cli/command.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/reports.h"
#include "harness/cli/selection.h"

namespace sockdrill {

namespace {

/// Where nobody watches, a line so often.
constexpr std::chrono::seconds kBetweenLines{10};

/// "90", "90s", "10m", "8h"; nothing: it is none of these.
std::optional<Nanoseconds> time_of(const std::string& text) {
  unsigned long number = 0;
  char unit = 's';
  char rest = 0;
  const int read = std::sscanf(text.c_str(), "%9lu%c%c", &number, &unit, &rest);
  if (read < 1 || read > 2 || number == 0 || text[0] == '-') return std::nullopt;
  if (unit == 's') return std::chrono::seconds(number);
  if (unit == 'm') return std::chrono::minutes(number);
  if (unit == 'h') return std::chrono::hours(number);
  return std::nullopt;
}

CampaignWorld world_of(const std::string& word) {
  if (word == "real") return CampaignWorld::real;
  return word == "simulated" ? CampaignWorld::simulated : CampaignWorld::simulated_if_it_can_be;
}

std::size_t columns_of_terminal() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}

/// One line that is redrawn on a terminal; else a line now and then.
class Live final : public CampaignObserver {
 public:
  void at(const CampaignStatus& status) override {
    if (is_terminal_) {
      // Bars are three octets and one column each, so the line is cut by its text alone.
      print("\r\x1b[K" + status_line(status, columns_of_terminal() - 1));
      is_drawn_ = true;
    } else if (status.took - last_ >= kBetweenLines) {
      last_ = status.took;
      print(status_line(status, 200) + "\n");
    }
  }
  void found(const FuzzFinding& finding) override {
    clear();
    print(fmt::format("found {} ({}): {}\n      {}/report.txt\n", finding.name,
                      severity_name(severity_of(finding.suspicion)), finding.suspicion.what,
                      finding.folder));
  }
  void note(const std::string& text) override {
    clear();
    print(text + "\n");
  }
  void clear() {
    if (std::exchange(is_drawn_, false)) print("\r\x1b[K");
  }

 private:
  bool is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  bool is_drawn_ = false;
  Nanoseconds last_{0};
};

/// A server and the folder of its campaign.
struct Subject {
  Target target;
  CampaignFolder folder;
};

Result<Target> server_of(const Installation& installation, const FuzzArguments& arguments) {
  std::vector<Target> targets = TRY(select(installation, arguments.target));
  if (targets.size() != 1)
    return fail(fmt::format("a campaign has one server, and these are {}: name one with --target "
                            "or --exec",
                            targets.size()),
                "--target");
  return with_its_folder(std::move(targets.front()));
}

Result<Subject> subject_of(Target target, const FuzzArguments& arguments) {
  std::string folder = arguments.triage.empty() ? arguments.corpus : arguments.triage;
  if (folder.empty()) {
    folder = "fuzz-" + target.name;
    for (char& c : folder) {
      if (c == '/' || c == ':' || c == ' ') c = '-';
    }
  }
  if (!arguments.triage.empty() && !std::filesystem::exists(arguments.triage))
    return fail("no such folder", arguments.triage);
  std::error_code error;
  if (std::filesystem::exists(folder, error) && !std::filesystem::is_directory(folder, error))
    return fail(fmt::format("{} is a file, expected a folder", folder),
                arguments.triage.empty() ? "--corpus" : "--triage");
  return Subject{.target = std::move(target), .folder = TRY(CampaignFolder::open(folder))};
}

/// The reports of run's kind, and a campaign's own in JSON.
struct FuzzReports {
  std::vector<std::string> json_files;
  Reports others;
};

/// Before anything is done: a word that was mistyped is not told at the end of a night.
Result<FuzzReports> open_fuzz_reports(const std::vector<std::string>& words) {
  FuzzReports reports;
  std::vector<std::string> others;
  for (const std::string& word : words) {
    if (word.starts_with("json="))
      reports.json_files.push_back(word.substr(5));
    else
      others.push_back(word);
  }
  reports.others = TRY(open_reports(others, StandardOutput::not_ours, false));
  return reports;
}

Result<void> write_reports(const FuzzReports& reports, const CampaignResult& result,
                           const std::string& target, int code) {
  for (const std::string& file : reports.json_files) {
    if (const auto written = write_file(file, json_of(result, target).dump(2) + "\n"); !written)
      return fail(describe(written.error()), file);
  }
  const std::vector<RunResult> results = results_of(result, target);
  Totals totals;
  for (const RunResult& one : results) totals.add(one);
  totals.took = result.status.took;
  for (const auto& reporter : reports.others.reporters) {
    reporter->begin(results.size(), results.size(), 1);
    for (const RunResult& one : results) reporter->add(one);
    reporter->end(totals, code, result.was_interrupted);
  }
  return finish(reports.others);
}

std::size_t count_if(const std::vector<FuzzFinding>& findings,
                     bool (*is_counted)(const FuzzFinding&)) {
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(), is_counted));
}
bool is_there(const FuzzFinding& finding) { return finding.is_there(); }
bool is_undecided(const FuzzFinding& finding) { return !finding.not_decided.empty(); }

int code_of(const std::vector<FuzzFinding>& findings) {
  if (count_if(findings, is_there) > 0) return kExitFailed;
  return count_if(findings, is_undecided) > 0 ? kExitNotStarted : kExitPassed;
}

/// Whoever names a server by its command alone need not say again what it speaks.
bool leaves_speaks_open(const FuzzArguments& arguments) {
  return !arguments.target.exec.empty() && arguments.target.speaks.empty();
}

CampaignSubject subject_in(const Target& target) {
  return {.target = target.name, .speaks = target.speaks.name};
}

/// Whether its folder holds what was made for another dialogue.
bool speaks_another(const Subject& subject) {
  const std::string was = subject.folder.read_subject().speaks;
  // Folders of earlier versions do not say what was spoken.
  return !was.empty() && was != subject.target.speaks.name;
}

/// The same, or for another server.
bool is_of_another(const Subject& subject) {
  const CampaignSubject was = subject.folder.read_subject();
  return !was.target.empty() && !was.speaks.empty() && was != subject_in(subject.target);
}

/// Inputs and findings of two servers would be mixed up there.
void warn_of_another(const Subject& subject) {
  const CampaignSubject was = subject.folder.read_subject();
  const CampaignSubject is = subject_in(subject.target);
  static_cast<void>(std::fprintf(
      stderr,
      "sockdrill: %s: warning: it is of a campaign on %s, which speaks %s; this is %s, which "
      "speaks %s: another --corpus keeps them apart\n",
      subject.folder.path().c_str(), was.target.c_str(), was.speaks.c_str(), is.target.c_str(),
      is.speaks.c_str()));
}

/// Says what was done there before. What a campaign has left that never began, as with a wrong
/// --speaks, is nothing to go on from.
Result<void> take_over(const Subject& subject) {
  const std::uint64_t before = subject.folder.read_totals().inputs;
  if (before == 0) {
    if (is_of_another(subject)) subject.folder.drop_seeds();
    return subject.folder.write_subject(subject_in(subject.target));
  }
  if (is_of_another(subject)) warn_of_another(subject);
  print(fmt::format("goes on after {}\n", count_of(before, "input")));
  return {};
}

Result<int> carry_out_campaign(const Home& home, const Installation& installation,
                               const Subject& subject, const FuzzArguments& arguments,
                               Nanoseconds time, const FuzzReports& reports) {
  const std::string& name = subject.target.name;
  TRY_VOID(take_over(subject));
  print(fmt::format("fuzzing {} {} with {}, in {}\n", name,
                    time == Nanoseconds{0} ? "until interrupted" : "for " + clock_of(time),
                    count_of(arguments.jobs, "job"), subject.folder.path()));
  Live live;
  const CampaignOptions options{.time = time,
                                .jobs = arguments.jobs,
                                .seed = arguments.seed,
                                .stop_at = arguments.stop_at,
                                .world = world_of(arguments.world)};
  const CampaignResult result = TRY(run_campaign(home, installation, subject.target, subject.folder,
                                                 options, live, catch_interrupts()));
  live.clear();
  if (result.status.inputs > 0) TRY_VOID(subject.folder.write_subject(subject_in(subject.target)));
  int code = code_of(result.findings);
  if (!result.why_not.empty()) {
    static_cast<void>(std::fprintf(stderr, "sockdrill: %s cannot be fuzzed: %s\n", name.c_str(),
                                   result.why_not.c_str()));
    code = kExitNotStarted;
  } else if (result.was_interrupted && code == kExitPassed) {
    code = kExitInterrupted;
  }
  if (result.why_not.empty()) print(summary_of(result, subject.folder, name));
  TRY_VOID(write_reports(reports, result, name, code));
  return code;
}

Result<int> carry_out_triage(const Home& home, const Installation& installation,
                             const Subject& subject, const FuzzArguments& arguments,
                             const FuzzReports& reports) {
  const auto dialogue =
      leaves_speaks_open(arguments) ? TriageDialogue::of_each_finding : TriageDialogue::of_target;
  const std::vector<FuzzFinding> findings =
      TRY(triage(home, installation, subject.target, dialogue, subject.folder, catch_interrupts()));
  print(list_findings(findings));
  const std::size_t undecided = count_if(findings, is_undecided);
  print(fmt::format("{}, {} still there{}\n", count_of(findings.size(), "finding"),
                    count_if(findings, is_there),
                    undecided > 0 ? fmt::format(", {} not decided", undecided) : ""));
  const int code = code_of(findings);
  CampaignResult result;
  result.findings = findings;
  TRY_VOID(write_reports(reports, result, subject.target.name, code));
  return code;
}

/// Of lines that are code.
std::string percent_of(const Coverage& coverage) {
  const double whole = coverage.lines == 0 ? 1 : static_cast<double>(coverage.lines);
  return fmt::format("{:.1f} %", 100 * static_cast<double>(coverage.executed) / whole);
}

int carry_out_coverage(const Home& home, const Installation& installation, const Subject& subject,
                       const FuzzArguments& arguments) {
  const std::atomic<bool>& interrupted = catch_interrupts();
  const std::string into =
      arguments.coverage.empty() ? subject.folder.path() + "/coverage" : arguments.coverage;
  const Result<Coverage> covered =
      cover(home, installation, subject.target, subject.folder, into, interrupted);
  if (!covered) return complain(covered.error());
  const Coverage& coverage = *covered;
  if (!coverage.why_not.empty()) {
    static_cast<void>(std::fprintf(stderr, "sockdrill: no coverage of %s: %s\n",
                                   subject.target.name.c_str(), coverage.why_not.c_str()));
    return kExitNotStarted;
  }
  if (coverage.index.empty()) return kExitInterrupted;
  print(fmt::format("{} executed {} of {} ({}): {}\n", count_of(coverage.inputs, "input"),
                    with_separators(coverage.executed), count_of(coverage.lines, "line"),
                    percent_of(coverage), coverage.index));
  return kExitPassed;
}

Result<int> carry_out_upkeep(const Home& home, const Installation& installation,
                             const Subject& subject, const FuzzArguments& arguments) {
  const std::atomic<bool>& interrupted = catch_interrupts();
  // To look at lines the server is built once more, under another name as a rule.
  const bool only_looks = arguments.merge.empty() && !arguments.minimize;
  const bool is_mixed = only_looks ? speaks_another(subject) : is_of_another(subject);
  if (is_mixed) warn_of_another(subject);
  const auto tell = [&](const SmallerCorpus& corpus) {
    print(fmt::format("{} looked at, {} kept in {}\n", count_of(corpus.before, "input"),
                      with_separators(corpus.after), subject.folder.inputs()));
  };
  if (!arguments.merge.empty())
    tell(TRY(
        merge(home, installation, subject.target, subject.folder, arguments.merge, interrupted)));
  if (arguments.minimize)
    tell(TRY(minimise_corpus(home, installation, subject.target, subject.folder, interrupted)));
  return arguments.covers ? carry_out_coverage(home, installation, subject, arguments)
                          : kExitPassed;
}

int complain_of_ours(const Error& error) {
  static_cast<void>(complain(error));
  return kExitOurError;
}

int carry_out_play(const Installation& installation, Result<Target> target,
                   const FuzzArguments& arguments) {
  if (const auto readable = read_file(arguments.play); !readable)
    return complain(Error{describe(readable.error()), arguments.play});
  if (leaves_speaks_open(arguments))
    target = speaking_as_found(*std::move(target),
                               std::filesystem::absolute(arguments.play).parent_path());
  if (!target) return complain(target.error());
  const Result<Home> home = enter_home(true);
  if (!home) return complain_of_ours(home.error());
  const Result<PlayedAgain> played =
      play_again(*home, installation, *target, arguments.play, catch_interrupts());
  if (!played) {
    static_cast<void>(complain(played.error()));
    return kExitNotStarted;
  }
  print(played->said);
  return played->shows ? kExitFailed : kExitPassed;
}

}  // namespace

int carry_out(const FuzzArguments& arguments) {
  Result<Installation> installation = find_installation();
  if (!installation) return complain(installation.error());
  const std::optional<Nanoseconds> time =
      arguments.time.empty() ? Nanoseconds{0} : time_of(arguments.time);
  if (!time)
    return complain(Error{
        fmt::format("'{}': expected a time such as 90, 90s, 10m or 8h", arguments.time), "--for"});
  if (arguments.covers && arguments.world == "real")
    return complain(Error{
        "lines are counted on the simulated kernel only: on the real one a server is ended by a "
        "signal, before it has written its counts",
        "--coverage"});
  const Result<FuzzReports> reports = open_fuzz_reports(arguments.reports);
  if (!reports) return complain(reports.error());
  Result<Target> target = server_of(*installation, arguments);
  if (!target) return complain(target.error());
  // Before a folder is made for what cannot be fuzzed.
  if (const std::string why = why_no_program(*installation, *target); !why.empty()) {
    static_cast<void>(complain(Error{"the server cannot be started: " + why, {}}));
    return kExitNotStarted;
  }
  if (!arguments.play.empty()) return carry_out_play(*installation, *std::move(target), arguments);
  const Result<Subject> subject = subject_of(*std::move(target), arguments);
  if (!subject) return complain(subject.error());
  const Result<Home> home = enter_home(true);
  if (!home) return complain_of_ours(home.error());
  const bool is_upkeep = arguments.minimize || !arguments.merge.empty() || arguments.covers;
  const Result<int> code =
      !arguments.triage.empty()
          ? carry_out_triage(*home, *installation, *subject, arguments, *reports)
      : is_upkeep ? carry_out_upkeep(*home, *installation, *subject, arguments)
                  : carry_out_campaign(*home, *installation, *subject, arguments, *time, *reports);
  return code ? *code : complain_of_ours(code.error());
}

}  // namespace sockdrill
