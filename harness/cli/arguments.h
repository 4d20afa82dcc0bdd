#pragma once

// What can be typed. `parse_arguments` is the only place that knows the parsing library; what was
// typed comes out as plain values, one struct a subcommand.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "harness/suite/suite.h"

namespace sockdrill {

/// Which server: of run, plan, list and fuzz.
struct TargetArguments {
  std::vector<std::string> targets;
  std::string exec;
  std::string speaks;  ///< "": not given, which is echo
  std::string over = "tcp";
  int port = 0;  ///< 0: not given
  std::string declares;
  std::string subcommand;  ///< whose these are
};

/// Which checks, on which server.
struct Selection {
  std::vector<std::string> checks;
  TargetArguments target;
  std::vector<std::string> set;
};

struct RunArguments {
  Selection selection;
  SuiteOptions suite;
  std::string shard;
  std::vector<std::string> reports;
  std::string world = "real";  ///< or "simulated"
  bool verbose = false;
  bool no_isolation = false;
};
struct PlanArguments {
  Selection selection;
  std::uint64_t seed = 1;
};
struct ListArguments {
  std::vector<std::string> checks;
  TargetArguments target;
  bool ids = false;
  bool targets = false;
};
struct LintArguments {
  std::vector<std::string> files;
};
struct ExplainArguments {
  std::vector<std::string> checks;
};
struct JudgeArguments {
  std::string recording;
};
struct ReplayArguments {
  std::string recording;
};
/// The server that a compact form is for; what is not said, the scenario's `applies` says.
struct FormArguments {
  std::string target;
  std::string speaks;
  std::string over;
};
struct EncodeArguments {
  std::vector<std::string> checks;
  std::vector<std::string> set;
  FormArguments form;
  bool without_texts = false;
  std::string output;  ///< a file, or a folder; "": standard output
};
struct DecodeArguments {
  std::string file;
  FormArguments form;
  std::string output;  ///< "": standard output
};
struct DictionaryArguments {
  FormArguments form;
  std::string output;  ///< "": standard output
};
struct FuzzArguments {
  TargetArguments target;
  std::string time;  ///< "90", "10m"; "": until interrupted
  unsigned jobs = 1;
  std::uint64_t seed = 1;
  std::string corpus;              ///< a campaign's folder; "": named after the server
  std::size_t stop_at = 0;         ///< findings; 0: never
  std::string world;               ///< "real", "simulated", or "": simulated if it can be
  std::vector<std::string> merge;  ///< folders of inputs
  bool minimize = false;
  std::string triage;  ///< such a folder, to look at its findings again
  std::string play;    ///< a scenario, JSON or in the compact form, to be played once
  bool covers = false;
  std::string coverage;  ///< a folder for HTML; "": one in the campaign's
  std::vector<std::string> reports;
};
struct RecordArguments {
  std::string listen;
  std::string to;
  std::string out;     ///< the scenario's file
  std::string speaks;  ///< "": it is not known
  std::string over = "tcp";
  std::size_t connections = 0;  ///< 0: until interrupted
  std::string corpus;           ///< a campaign's folder; "": none
};
struct DoctorArguments {};
/// Nothing is left to do: help or the version was printed, or bad usage was complained about.
struct Done {
  int exit_code = 0;
};

using Arguments =
    std::variant<Done, RunArguments, PlanArguments, ListArguments, LintArguments, ExplainArguments,
                 JudgeArguments, ReplayArguments, EncodeArguments, DecodeArguments,
                 DictionaryArguments, FuzzArguments, RecordArguments, DoctorArguments>;

Arguments parse_arguments(int count, char** words);

}  // namespace sockdrill
