#pragma once

// Which checks, on which targets.

#include "harness/suite/installation.h"

namespace sockdrill {

/// Every check of the bundled scenarios. Bad files are an error: they are ours.
Result<std::vector<Check>> bundled_checks(const Installation& installation);

/// By id, by glob over ids and catalogue numbers, by file, or by folder; all bundled ones for an
/// empty list. A name that nobody has is an error with did-you-mean; a glob may take nothing.
Result<std::vector<Check>> select_checks(const Installation& installation,
                                         const std::vector<std::string>& words);

/// Targets of the manifests below targets/models.
Result<std::vector<Target>> bundled_targets(const Installation& installation);

/// Whatever has a manifest: models, external ones, mutants.
Result<std::vector<Target>> all_targets(const Installation& installation);

/// By full name ("tcp-poll:echo"), by a manifest's name (all of its variants), by glob over names
/// or over "folder/name" ("mutants/*"), or by file. The bundled models for an empty list.
Result<std::vector<Target>> select_targets(const Installation& installation,
                                           const std::vector<std::string>& words);

/// The word of a command that is a script: it says more than its interpreter. "" for none.
std::string script_of(const std::vector<std::string>& command);

struct ExecTarget {
  std::string command;
  std::string speaks = "echo";
  std::string over = "tcp";
  std::optional<std::uint16_t> port;
  std::string declares;            ///< the text of a JSON object, as in a manifest; "" for none
  std::string subcommand = "run";  ///< whose option it is, for the examples in messages
};
/// The target of `--exec`: the user's own folder and environment, whatever language it is in.
Result<Target> exec_target(const Installation& installation, const ExecTarget& exec);

}  // namespace sockdrill
