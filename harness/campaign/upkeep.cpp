// What is done to a campaign between its sessions.

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/campaign/campaign.h"
#include "harness/campaign/corpus.h"
#include "harness/campaign/fuzzed_server.h"
#include "harness/campaign/merge.h"
#include "harness/campaign/real_kernel.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

/// For one finding, played once.
constexpr std::chrono::minutes kPatienceToPlay{5};

/// The inputs of a campaign, or of any folder.
std::vector<std::string> inputs_of(const std::string& folder) {
  std::error_code error;
  // Servers start in folders of their own.
  const std::string whole = fs::absolute(folder, error);
  return files_in(fs::is_directory(whole + "/inputs", error) ? whole + "/inputs" : whole);
}

/// A server that serves nobody shows nothing, neither a defect nor that one is gone.
std::string undecided(const std::string& why) {
  return fmt::format("not decided: {}{}", why,
                     why.starts_with(kServesNobody) ? "; is --speaks right?" : "");
}

/// Of what a scenario is said to show: that the server came to serve nobody, so that there was
/// nothing to show anything; "": it did.
std::string why_not_served(const std::string& told) {
  constexpr std::string_view kStart = "start: ";  // the rule in fuzzer/trials.cpp
  if (!told.starts_with(kStart)) return {};
  return undecided(told.substr(kStart.size(), told.find('\n') - kStart.size()));
}

Result<PlayedAgain> play_on(const FuzzedServer& server, const std::string& scenario,
                            const std::atomic<bool>& interrupted) {
  std::error_code error;
  // Servers start in folders of their own.
  const std::unique_ptr<Worker> worker =
      TRY(server.start({"sockdrill", "--play", fs::absolute(scenario, error)}, {}));
  const std::optional<ExitStatus> end = wait_for(*worker, kPatienceToPlay, interrupted);
  if (end && !end->was_signalled && end->code <= 1) {
    if (const std::string reason = why_not_served(worker->told()); !reason.empty())
      return fail(reason, scenario);
    return PlayedAgain{.shows = end->code == 1, .said = worker->told()};
  }
  return fail(fmt::format("could not be played again: {}",
                          end ? complaint_in(worker->said()) + to_string(*end) : "no end"),
              scenario);
}

Result<bool> is_gone_on(const FuzzedServer& server, const FuzzFinding& finding,
                        const std::atomic<bool>& interrupted) {
  return !TRY(play_on(server, finding.folder + "/scenario.json", interrupted)).shows;
}

Result<bool> is_gone_on(const RealKernel& real, const FuzzFinding& finding, const Target& target,
                        const std::atomic<bool>& interrupted) {
  const Verdict verdict = real.play(finding, target, interrupted);
  if (RealKernel::serves_nobody(verdict)) return fail(undecided(kServesNobody), finding.folder);
  if (const std::optional<bool> fails = RealKernel::fails(verdict)) return !*fails;
  return fail(fmt::format("could not be played again: {}", verdict.reason), finding.folder);
}

}  // namespace

Result<SmallerCorpus> merge(const Home& home, const Installation& installation,
                            const Target& target, const CampaignFolder& folder,
                            const std::vector<std::string>& others,
                            const std::atomic<bool>& interrupted) {
  const FuzzedServer server = TRY(FuzzedServer::of(home, installation, target));
  std::vector<std::string> files = files_in(folder.inputs());
  const std::size_t before = files.size();
  for (const std::string& other : others) {
    const std::vector<std::string> more = inputs_of(other);
    if (more.empty()) return fail("no inputs are there", other);
    files.insert(files.end(), more.begin(), more.end());
  }
  const std::vector<WeighedInput> inputs = TRY(weigh(server, folder, files, interrupted));
  std::size_t taken = 0;
  for (const std::size_t place : worth_keeping(inputs, before)) {
    if (place < before) continue;
    const SysResult<std::string> octets = read_file(inputs[place].file);
    if (!octets) return fail(describe(octets.error()), inputs[place].file);
    TRY_VOID(keep_input(*octets, folder));
    ++taken;
  }
  return SmallerCorpus{.before = files.size(), .after = before + taken};
}

Result<SmallerCorpus> minimise_corpus(const Home& home, const Installation& installation,
                                      const Target& target, const CampaignFolder& folder,
                                      const std::atomic<bool>& interrupted) {
  const FuzzedServer server = TRY(FuzzedServer::of(home, installation, target));
  const std::vector<std::string> files = files_in(folder.inputs());
  const std::vector<WeighedInput> inputs = TRY(weigh(server, folder, files, interrupted));
  const std::vector<std::size_t> chosen = worth_keeping(inputs, 0);
  std::error_code error;
  for (std::size_t place = 0; place < inputs.size(); ++place) {
    if (!std::binary_search(chosen.begin(), chosen.end(), place))
      fs::remove(inputs[place].file, error);
  }
  return SmallerCorpus{.before = files.size(), .after = chosen.size()};
}

Result<PlayedAgain> play_again(const Home& home, const Installation& installation,
                               const Target& target, const std::string& scenario,
                               const std::atomic<bool>& interrupted) {
  return play_on(TRY(FuzzedServer::of(home, installation, target)), scenario, interrupted);
}

Result<Target> speaking_as_found(Target target, const std::string& folder) {
  const std::string file = folder + "/server.json";
  std::error_code error;
  if (!fs::exists(file, error)) return target;
  target.speaks = TRY(read_targets(TRY(read_document(file)))).front().speaks;
  return target;
}

Result<std::vector<FuzzFinding>> triage(const Home& home, const Installation& installation,
                                        const Target& target, TriageDialogue dialogue,
                                        const CampaignFolder& folder,
                                        const std::atomic<bool>& interrupted) {
  std::vector<FuzzFinding> findings = TRY(read_findings(folder.findings()));
  const RealKernel real(home, installation);
  for (FuzzFinding& finding : findings) {
    if (interrupted) break;
    const Target asked = dialogue == TriageDialogue::of_target
                             ? target
                             : TRY(speaking_as_found(target, finding.folder));
    const Result<FuzzedServer> server = FuzzedServer::of(home, installation, asked);
    const Result<bool> is_gone = finding.found_on_real || !server
                                     ? is_gone_on(real, finding, asked, interrupted)
                                     : is_gone_on(*server, finding, interrupted);
    if (!is_gone) {
      finding.is_gone = false;
      finding.not_decided = is_gone.error().message;
      continue;
    }
    // What a clean process has never shown is not gone because it does not show it again.
    finding.is_gone = *is_gone && finding.is_confirmed;
    TRY_VOID(write_finding_summary(finding));
  }
  return findings;
}

}  // namespace sockdrill
