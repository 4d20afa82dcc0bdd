#include "harness/campaign/folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/errno.h"
#include "harness/base/try.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

Result<void> replace_file(const std::string& file, const std::string& text) {
  const std::string beside = file + ".new";
  if (const auto written = write_file(beside, text); !written)
    return fail(describe(written.error()), beside);
  std::error_code error;
  fs::rename(beside, file, error);
  if (error) return fail(error.message(), file);
  return {};
}

Json read_json(const std::string& file) {
  const SysResult<std::string> text = read_file(file);
  Json json = text ? Json::parse(*text, nullptr, false) : Json();
  return json.is_object() ? json : Json::object();
}

std::uint64_t number_in(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}
std::string text_in(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}
bool flag_in(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace

Result<CampaignFolder> CampaignFolder::open(const std::string& path) {
  CampaignFolder folder;
  std::error_code error;
  folder.path_ = fs::absolute(path, error).lexically_normal();
  while (folder.path_.size() > 1 && folder.path_.ends_with('/')) folder.path_.pop_back();
  for (const std::string& made :
       {folder.inputs(), folder.seeds(), folder.found(), folder.findings()}) {
    fs::create_directories(made, error);
    if (error) return fail(fmt::format("cannot be made: {}", error.message()), made);
  }
  folder.lock_ = OwnedFd{::open(folder.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder.lock_.is_open()) return fail(describe(last_errno()), folder.path_);
  if (::flock(folder.lock_.raw(), LOCK_EX | LOCK_NB) != 0)
    return fail("another campaign is running in it", folder.path_);
  return folder;
}

CampaignTotals CampaignFolder::read_totals() const {
  const Json json = read_json(path_ + "/campaign.json");
  return {.inputs = number_in(json, "inputs"),
          .milliseconds = number_in(json, "milliseconds"),
          .features = number_in(json, "features")};
}

Result<void> CampaignFolder::write_totals(const CampaignTotals& totals,
                                          const std::string& target) const {
  const std::string file = path_ + "/campaign.json";
  Json json = read_json(file);
  json["target"] = target;
  json["inputs"] = totals.inputs;
  json["milliseconds"] = totals.milliseconds;
  json["features"] = totals.features;
  return replace_file(file, json.dump(2) + "\n");
}

CampaignSubject CampaignFolder::read_subject() const {
  const Json json = read_json(path_ + "/campaign.json");
  return {.target = text_in(json, "target"), .speaks = text_in(json, "speaks")};
}

Result<void> CampaignFolder::write_subject(const CampaignSubject& subject) const {
  const std::string file = path_ + "/campaign.json";
  Json json = read_json(file);
  json["target"] = subject.target;
  json["speaks"] = subject.speaks;
  return replace_file(file, json.dump(2) + "\n");
}

void CampaignFolder::drop_seeds() const {
  std::error_code error;
  fs::remove_all(seeds(), error);
  fs::create_directories(seeds(), error);
}

Result<FuzzFinding> read_finding(const std::string& folder) {
  const std::string file = folder + "/finding.json";
  const Json json = read_json(file);
  FuzzFinding finding{.name = fs::path(folder).filename(),
                      .folder = folder,
                      .suspicion = {.rule = text_in(json, "rule"), .what = text_in(json, "what")},
                      .stack = text_in(json, "stack"),
                      .needs_history = flag_in(json, "needs_history"),
                      .real = text_in(json, "real"),
                      .found_on_real = flag_in(json, "found_on_real"),
                      .is_confirmed = !flag_in(json, "is_unconfirmed"),
                      .is_gone = flag_in(json, "is_gone")};
  if (finding.suspicion.rule.empty()) return fail("it is no finding of a campaign", file);
  return finding;
}

Result<void> write_finding_summary(const FuzzFinding& finding) {
  const std::string file = finding.folder + "/finding.json";
  Json json = read_json(file);
  json["severity"] = severity_name(severity_of(finding.suspicion));
  json["real"] = finding.real;
  json["found_on_real"] = finding.found_on_real;
  json["is_unconfirmed"] = !finding.is_confirmed;
  json["is_gone"] = finding.is_gone;
  return replace_file(file, json.dump(2) + "\n");
}

void rank(std::vector<FuzzFinding>& findings) {
  std::sort(findings.begin(), findings.end(), [](const FuzzFinding& a, const FuzzFinding& b) {
    return std::pair(severity_of(a.suspicion), a.name) <
           std::pair(severity_of(b.suspicion), b.name);
  });
}

Result<std::vector<FuzzFinding>> read_findings(const std::string& folder) {
  std::vector<FuzzFinding> findings;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!fs::exists(entry.path() / "finding.json", error)) continue;
    findings.push_back(TRY(read_finding(entry.path())));
  }
  if (error) return fail(error.message(), folder);
  rank(findings);
  return findings;
}

}  // namespace sockdrill
