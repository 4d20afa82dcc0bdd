#include "harness/suite/select.h"

#include <unistd.h>
#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/base/try.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

bool looks_like_path(const std::string& word) {
  return word.ends_with(".json") || word.starts_with("/") || word.starts_with("./") ||
         word.starts_with("../");
}

bool is_folder(const std::string& word) {
  std::error_code error;
  return fs::is_directory(word, error);
}

Result<Check> read_check_file(const std::string& file) {
  return read_check(TRY(read_document(file)));
}

Result<std::vector<Target>> read_target_file(const std::string& file) {
  const Document document = TRY(read_document(file));
  return read_targets(document);
}

Result<std::vector<Target>> targets_below(const std::string& folder) {
  std::vector<Target> targets;
  for (const std::string& file : files_below(folder, ".json")) {
    for (Target& target : TRY(read_target_file(file))) targets.push_back(std::move(target));
  }
  return targets;
}

/// A mutant is taken by its name, or by a glob that names its folder: never by `*`.
bool takes(const std::string& word, const Target& target) {
  const std::string folder = fs::path(target.file).parent_path().filename();
  return word == target.name || word == target.model ||
         (!target.is_mutant() && matches_glob(word, target.name)) ||
         (word.find('/') != std::string::npos && matches_glob(word, folder + "/" + target.name));
}

bool takes(const std::string& word, const Check& check) {
  return word == check.first.id || matches_glob(word, check.first.id) ||
         (!check.first.catalogue.empty() && matches_glob(word, check.first.catalogue));
}

/// The one file of a check that is called by its id: reading all of them takes longer than many a
/// run. Nothing when there is none.
Result<std::optional<Check>> check_called(const Installation& installation, const std::string& id) {
  const std::string file = fmt::format("{}/{}.json", installation.scenarios, id);
  std::error_code error;
  // An id is THEME/NAME: schema.json beside the themes is none.
  if (id.find('/') == std::string::npos || !fs::is_regular_file(file, error)) return std::nullopt;
  Check check = TRY(read_check_file(file));
  if (check.first.id != id) return std::nullopt;
  return check;
}

/// The same for "NAME" and "NAME:VARIANT", from the manifest NAME.json: all of the variants that
/// the word takes.
Result<std::vector<Target>> targets_called(const Installation& installation,
                                           const std::string& word) {
  const std::string name = word.substr(0, word.find(':'));
  std::vector<Target> found;
  for (const std::string& file : files_below(installation.targets, ".json")) {
    if (fs::path(file).stem() != name) continue;
    for (Target& target : TRY(read_target_file(file))) {
      if (takes(word, target)) found.push_back(std::move(target));
    }
  }
  return found;
}

}  // namespace

Result<std::vector<Check>> bundled_checks(const Installation& installation) {
  std::vector<Check> checks;
  for (const std::string& file : files_below(installation.scenarios, ".json")) {
    if (!file.ends_with("/schema.json")) checks.push_back(TRY(read_check_file(file)));
  }
  return checks;
}

Result<std::vector<Check>> select_checks(const Installation& installation,
                                         const std::vector<std::string>& words) {
  if (words.empty()) return bundled_checks(installation);
  std::vector<Check> selected;
  std::optional<std::vector<Check>> bundled;
  std::set<std::string> chosen;
  const auto choose = [&](Check check) {
    if (chosen.insert(check.first.id).second) selected.push_back(std::move(check));
  };
  for (const std::string& word : words) {
    if (looks_like_path(word) || is_folder(word)) {
      const std::vector<std::string> files =
          is_folder(word) ? files_below(word, ".json") : std::vector<std::string>{word};
      if (files.empty()) return fail("holds no scenario (*.json)", word);
      for (const std::string& file : files) {
        if (!file.ends_with("schema.json")) choose(TRY(read_check_file(file)));
      }
      continue;
    }
    if (std::optional<Check> check = TRY(check_called(installation, word))) {
      choose(std::move(*check));
      continue;
    }
    if (!bundled) bundled = TRY(bundled_checks(installation));
    bool has_any = false;
    std::vector<std::string> ids;
    for (const Check& check : *bundled) {
      ids.push_back(check.first.id);
      if (!takes(word, check)) continue;
      has_any = true;
      choose(check);
    }
    const bool is_glob = word.find_first_of("*?") != std::string::npos;
    if (!has_any && is_glob) continue;  // a pattern may well take nothing: the caller counts
    if (!has_any)
      return fail(fmt::format("no check is called '{}'{}; `sockdrill list` shows them all", word,
                              did_you_mean(word, ids)));
  }
  return selected;
}

Result<std::vector<Target>> bundled_targets(const Installation& installation) {
  return targets_below(installation.targets + "/models");
}

Result<std::vector<Target>> all_targets(const Installation& installation) {
  return targets_below(installation.targets);
}

Result<std::vector<Target>> select_targets(const Installation& installation,
                                           const std::vector<std::string>& words) {
  if (words.empty()) return bundled_targets(installation);
  std::vector<Target> selected;
  std::optional<std::vector<Target>> known;
  std::set<std::string> chosen;
  const auto choose = [&](Target target) {
    if (chosen.insert(target.name).second) selected.push_back(std::move(target));
  };
  for (const std::string& word : words) {
    if (looks_like_path(word)) {
      for (Target& target : TRY(read_target_file(word))) choose(std::move(target));
      continue;
    }
    std::vector<Target> called = TRY(targets_called(installation, word));
    for (Target& target : called) choose(std::move(target));
    if (!called.empty()) continue;
    if (!known) known = TRY(all_targets(installation));
    bool has_any = false;
    std::vector<std::string> names;
    for (const Target& target : *known) {
      names.push_back(target.model);
      names.push_back(target.name);
      if (!takes(word, target)) continue;
      has_any = true;
      choose(target);
    }
    if (!has_any)
      return fail(fmt::format("no target is called '{}'{}; `sockdrill list --targets` shows them "
                              "all, and --exec runs any command",
                              word, did_you_mean(word, names)),
                  "--target");
  }
  return selected;
}

namespace {

/// A built-in protocol, the dialogue of a bundled manifest, or a dialogue file.
Result<Dialogue> dialogue_named(const Installation& installation, const std::string& word,
                                Transport transport) {
  if (std::optional<Dialogue> built_in = built_in_dialogue(word, transport)) return *built_in;
  if (looks_like_path(word)) {
    const Document document = TRY(read_document(word));
    return read_dialogue(Node(document), transport);
  }
  std::vector<std::string> names = built_in_dialogue_names();
  for (const Target& target : TRY(targets_below(installation.targets + "/external"))) {
    if (target.model == word || target.speaks.name == word) return target.speaks;
    names.push_back(target.model);
  }
  return fail(
      fmt::format("no protocol is called '{}'{}: expected one of {}, or a dialogue file (*.json)",
                  word, did_you_mean(word, names), join_or(built_in_dialogue_names())),
      "--speaks");
}

}  // namespace

std::string script_of(const std::vector<std::string>& command) {
  const auto is_script = [](const std::string& word) {
    const std::string ending = fs::path(word).extension();
    return ending == ".py" || ending == ".js" || ending == ".mjs" || ending == ".rb" ||
           ending == ".pl" || ending == ".sh" || ending == ".jar";
  };
  const auto found = std::find_if(command.begin(), command.end(), is_script);
  return found == command.end() ? "" : *found;
}

Result<Target> exec_target(const Installation& installation, const ExecTarget& exec) {
  Target target;
  target.command = split_command(exec.command);
  if (target.command.empty()) return fail("no command, or a quote that is not closed", "--exec");
  if (const std::string slip = misspelt_placeholder_in(exec.command); !slip.empty())
    return fail(slip, "--exec");
  Result<Transport> transport = parse_transport(exec.over);
  if (!transport) return fail(transport.error().message, "--over");
  target.transport = *transport;
  const std::string placeholder = is_unix(target.transport) ? "{path}" : "{port}";
  const bool has_place = exec.command.find(placeholder) != std::string::npos;
  if (!has_place && !exec.port) {
    return fail(
        fmt::format("the command has no {} and there is no --port: where would it listen?\n    "
                    "sockdrill {} --exec '{} {}'\n    sockdrill {} --exec '{}' --port 8080",
                    placeholder, exec.subcommand, exec.command, placeholder, exec.subcommand,
                    exec.command),
        "--exec");
  }
  if (has_place && exec.port && !is_unix(target.transport)) target.port = *exec.port;
  if (exec.port) target.port = *exec.port;
  target.speaks = TRY(dialogue_named(installation, exec.speaks, target.transport));
  std::array<char, 4096> folder{};
  target.working_directory =
      ::getcwd(folder.data(), folder.size()) != nullptr ? folder.data() : "/";
  const std::string script = script_of(target.command);
  target.name = fs::path(script.empty() ? target.command[0] : script).filename();
  target.model = target.name;
  if (exec.declares.empty()) return target;
  // Declarations are read by the one reader of manifests there is.
  Json manifest = write_target(target);
  manifest["declares"] = Json::parse(exec.declares, nullptr, false);
  if (manifest["declares"].is_discarded())
    return fail(
        "is not JSON: expected an object as in a manifest, such as '{\"concurrency\": "
        "\"concurrent\"}'",
        "--declares");
  const Document document = TRY(parse_document(manifest.dump(1), "--declares"));
  return TRY(read_targets(document)).at(0);
}

}  // namespace sockdrill
