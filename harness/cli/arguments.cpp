#include "harness/cli/arguments.h"

#include <algorithm>
#include <cstdio>
#include <thread>

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "harness/base/text.h"
#include "harness/base/version.h"

namespace sockdrill {

namespace {

/// A subcommand whose values live in `arguments` once it was chosen.
template <typename Chosen>
CLI::App& add(CLI::App& app, const char* name, const char* help, Arguments& arguments,
              Chosen& values) {
  CLI::App* command = app.add_subcommand(name, help);
  command->callback([&arguments, &values] { arguments = values; });
  return *command;
}

void add_target(CLI::App& app, TargetArguments& values) {
  values.subcommand = app.get_name();
  app.add_option("-t,--target", values.targets,
                 "a target: NAME, NAME:PROTOCOL, a glob, or a manifest FILE; repeatable")
      ->type_name("NAME|FILE");
  app.add_option("-x,--exec", values.exec,
                 "any server command; {port} {path} {tmp} {host} are filled in")
      ->type_name("'COMMAND'");
  app.add_option("-s,--speaks", values.speaks,
                 "what it speaks: echo, discard, chargen, daytime, time, line, length-prefixed, a "
                 "bundled target's dialogue, or a dialogue FILE")
      ->type_name("NAME|FILE")
      ->default_str("echo");
  app.add_option("--over", values.over, "tcp, udp, unix, unix-dgram or unix-seqpacket")
      ->capture_default_str();
  app.add_option("--port", values.port, "the server's port, where it is fixed in its code")
      ->check(CLI::Range(1, 65535));
  app.add_option("--declares", values.declares,
                 "what it declares, as in a manifest: '{\"concurrency\": \"iterative\"}'")
      ->type_name("JSON");
}

CLI::Option* add_checks(CLI::App& app, std::vector<std::string>& checks, const char* empty) {
  return app
      .add_option("checks", checks,
                  std::string("checks: ids, globs (half-close/*), catalogue numbers (RST-*), "
                              "scenario files or folders") +
                      empty)
      ->type_name("CHECK");
}

void add_set(CLI::App& app, std::vector<std::string>& set) {
  app.add_option("--set", set, "only cases with this value of a parameter: size=512")
      ->type_name("NAME=VALUE");
}

void add_seed(CLI::App& app, std::uint64_t& seed) {
  app.add_option("--seed", seed, "of everything that is drawn")->capture_default_str();
}

void add_run(CLI::App& app, Arguments& arguments, RunArguments& values) {
  CLI::App& command =
      add(app, "run", "Runs checks against servers: the main job", arguments, values);
  SuiteOptions& suite = values.suite;
  // A run waits for its server half of the time.
  suite.jobs = 2 * std::max(1U, std::thread::hardware_concurrency());
  add_checks(command, values.selection.checks, "; all when none is given");
  add_target(command, values.selection.target);
  command.add_option("-j,--jobs", suite.jobs, "how many run at a time")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  command.add_option("--shard", values.shard, "only the I-th of N equal parts")->type_name("I/N");
  command.add_option("--repeat", suite.repeat, "plays everything so many times")
      ->check(CLI::Range(1U, 1000000U));
  add_seed(command, suite.seed);
  add_set(command, values.selection.set);
  command.add_flag("--strict", suite.strict, "warnings fail the run");
  command.add_flag("--fail-fast", suite.fail_fast, "stops at the first failure");
  command
      .add_option("--report", values.reports,
                  "console, junit, tap, json or github; repeatable; junit=FILE writes to a file")
      ->type_name("FORMAT[=FILE]");
  command
      .add_option("--artifacts", suite.artifacts,
                  "keeps recording and server output of what did not pass")
      ->type_name("DIR");
  command.add_flag("--keep-passes", suite.keep_passes,
                   "with --artifacts: keeps those of what passed, too");
  command.add_flag("-v,--verbose", values.verbose, "one line a run");
  command
      .add_option("--world", values.world,
                  "simulated: the server's calls are answered by a simulated kernel")
      ->check(CLI::IsMember({"real", "simulated"}))
      ->capture_default_str();
  command.add_flag("--no-isolation", values.no_isolation,
                   "no namespaces: the server runs on this host's loopback");
}

void add_list(CLI::App& app, Arguments& arguments, ListArguments& values) {
  CLI::App& command =
      add(app, "list", "Lists the checks, all or those for a server; or the targets", arguments,
          values);
  add_checks(command, values.checks, "; all when none is given");
  add_target(command, values.target);
  command.add_flag("--ids", values.ids, "their ids only, for scripts");
  command.add_flag("--targets", values.targets, "the targets");
}

void add_plan(CLI::App& app, Arguments& arguments, PlanArguments& values) {
  CLI::App& command =
      add(app, "plan", "Says what would be done, and does nothing", arguments, values);
  add_checks(command, values.selection.checks, "")->required();
  add_target(command, values.selection.target);
  add_set(command, values.selection.set);
  add_seed(command, values.seed);
}

void add_form(CLI::App& app, FormArguments& values) {
  app.add_option("-t,--target", values.target, "the server it is for: a target's NAME, or a FILE")
      ->type_name("NAME|FILE");
  app.add_option("-s,--speaks", values.speaks,
                 "or what that server speaks; default: what the scenario is for")
      ->type_name("NAME|FILE");
  app.add_option("--over", values.over, "tcp, udp, unix, unix-dgram or unix-seqpacket");
}

void add_encode(CLI::App& app, Arguments& arguments, EncodeArguments& values) {
  CLI::App& command =
      add(app, "encode", "Writes scenarios in the compact form that fuzzers work on", arguments,
          values);
  add_checks(command, values.checks, "")->required();
  add_form(command, values.form);
  add_set(command, values.set);
  command.add_flag("--without-texts", values.without_texts,
                   "without what only people read: id, summary, notes, clients' names");
  command.add_option("-o,--output", values.output, "a file; or a folder, for a file a case")
      ->type_name("FILE|DIR");
}

void add_decode(CLI::App& app, Arguments& arguments, DecodeArguments& values) {
  CLI::App& command =
      add(app, "decode", "Writes the scenario that a compact form stands for", arguments, values);
  command.add_option("file", values.file, "a compact form, or a fuzzer's input")->required();
  add_form(command, values.form);
  command.add_option("-o,--output", values.output, "a file; standard output by default")
      ->type_name("FILE");
}

void add_dictionary(CLI::App& app, Arguments& arguments, DictionaryArguments& values) {
  CLI::App& command =
      add(app, "dictionary", "Writes the words of a dialogue, for libFuzzer and AFL", arguments,
          values);
  add_form(command, values.form);
  command.add_option("-o,--output", values.output, "a file; standard output by default")
      ->type_name("FILE");
}

void add_fuzz(CLI::App& app, Arguments& arguments, FuzzArguments& values) {
  CLI::App& command =
      add(app, "fuzz", "Fuzzes a server as it is, without its source, on a simulated kernel",
          arguments, values);
  values.jobs = std::max(1U, std::thread::hardware_concurrency());
  add_target(command, values.target);
  command
      .add_option("--for", values.time,
                  "how long: 90, 90s, 10m or 8h; until interrupted without it")
      ->type_name("TIME");
  command.add_option("-j,--jobs", values.jobs, "how many servers at a time")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  add_seed(command, values.seed);
  command
      .add_option(
          "--corpus", values.corpus,
          "the campaign's folder: inputs and findings; it goes on where it was. Without it: "
          "fuzz-NAME here, after the server")
      ->type_name("DIR");
  command.add_option("--stop-at", values.stop_at, "ends when so many things were found")
      ->type_name("N");
  command
      .add_option("--world", values.world,
                  "real: on the real kernel, a run an input; simulated: nowhere else. Without it a "
                  "server that cannot be simulated is fuzzed on the real kernel")
      ->check(CLI::IsMember({"real", "simulated"}));
  command
      .add_option("--merge", values.merge,
                  "no fuzzing: takes from another corpus what reaches anything new; repeatable")
      ->type_name("DIR");
  command.add_flag("--minimize", values.minimize,
                   "no fuzzing: keeps of the corpus what reaches something no smaller input does");
  command
      .add_option("--triage", values.triage,
                  "no fuzzing: which findings of that campaign are still there?")
      ->type_name("DIR");
  command
      .add_option("--play", values.play,
                  "no fuzzing: plays a finding's scenario once, and says what it shows")
      ->type_name("FILE")
      ->excludes("--triage");
  command
      .add_option_function<std::vector<std::string>>(
          "--coverage",
          [&values](const std::vector<std::string>& words) {
            values.covers = true;
            values.coverage = words.empty() ? "" : words.front();
          },
          "no fuzzing: which lines of the server's the corpus executes, as HTML in this folder, or "
          "without a value in one of the campaign's; for servers built with clang's "
          "-fprofile-instr-generate "
          "-fcoverage-mapping")
      ->type_name("[DIR]")
      ->expected(0, 1)
      ->excludes("--triage")
      ->excludes("--play");
  command
      .add_option("--report", values.reports,
                  "json=FILE, junit=FILE or another of run's; repeatable")
      ->type_name("FORMAT=FILE");
  command.footer(
      "With --play or --triage, and --exec without --speaks: what the finding's server spoke.\n"
      "Exit codes: 0 nothing found, 1 findings, 2 usage or bad input, 3 the server did not start, "
      "or serves nobody,\n"
      "70 an error of ours, 130 interrupted with nothing found.");
}

void add_record(CLI::App& app, Arguments& arguments, RecordArguments& values) {
  CLI::App& command = add(
      app, "record", "Stands between clients and a server, and makes a scenario of what they say",
      arguments, values);
  command
      .add_option("--listen", values.listen,
                  "where clients are to connect to, on this machine's loopback; 0: any port; over "
                  "unix a path")
      ->type_name("[HOST:]PORT|PATH")
      ->required();
  command.add_option("--to", values.to, "where the server is, on this machine's loopback")
      ->type_name("[HOST:]PORT|PATH")
      ->required();
  command.add_option("--out", values.out, "the scenario's file")->type_name("FILE")->required();
  command
      .add_option("-s,--speaks", values.speaks,
                  "what the server speaks, where it is known: its greeting is left to `connect`")
      ->type_name("NAME|FILE");
  command.add_option("--over", values.over, "tcp, udp or unix")->capture_default_str();
  command
      .add_option("--connections", values.connections,
                  "ends when so many have come and gone; on SIGINT or SIGTERM without it")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10000}));
  command
      .add_option("--corpus", values.corpus,
                  "the folder of a campaign (`fuzz --corpus`), whose inputs it is added to")
      ->type_name("DIR");
}

/// What could have stood where `word` stands: options, or subcommands.
std::vector<std::string> words_near(const CLI::App& app, const std::string& word) {
  std::vector<std::string> words;
  if (word.starts_with('-')) {
    for (const CLI::Option* option : app.get_options())
      words.push_back("--" + option->get_single_name());
  } else {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
      words.push_back(command->get_name());
  }
  return words;
}

/// In the form of every other complaint.
int complain_of_usage(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& chosen = app.get_subcommands().empty() ? app : *app.get_subcommands().front();
  const std::string name = &chosen == &app ? "sockdrill" : "sockdrill " + chosen.get_name();
  const std::vector<std::string> unknown = app.remaining(true);
  std::string message = error.what();
  if (!unknown.empty()) {
    const bool is_option = unknown[0].starts_with('-');
    const char* const kind = is_option ? "option" : &chosen == &app ? "subcommand" : "argument";
    message = fmt::format("'{}' is no {} of `{}`{}", unknown[0], kind, name,
                          did_you_mean(unknown[0], words_near(chosen, unknown[0])));
  }
  static_cast<void>(std::fprintf(stderr, "sockdrill: %s; `%s --help` shows what can be given\n",
                                 message.c_str(), name.c_str()));
  return kExitUsage;
}

}  // namespace

Arguments parse_arguments(int count, char** words) {
  CLI::App app{
      "Launches a server in isolation, replays rude clients against it, and says what it got "
      "wrong.\n"
      "Exit codes: 0 passed, 1 failed, 2 usage or bad input, 3 the server did not start, 4 nothing "
      "was selected,\n"
      "5 undecided, 70 an error of ours, 130 interrupted."};
  app.name("sockdrill");
  app.set_version_flag("--version", version());
  app.require_subcommand(0, 1);
  Arguments chosen;
  RunArguments run;
  add_run(app, chosen, run);
  ListArguments list;
  add_list(app, chosen, list);
  LintArguments lint;
  add(app, "lint", "Checks scenarios, manifests and dialogues without running anything", chosen,
      lint)
      .add_option("files", lint.files,
                  "files of scenarios, manifests or dialogues, or folders of them")
      ->required();
  ExplainArguments explain;
  add_checks(
      add(app, "explain", "Says what a check demands, why, and how it is played", chosen, explain),
      explain.checks, "")
      ->required();
  PlanArguments plan;
  add_plan(app, chosen, plan);
  const char* const recording = "a recording (*.jsonl), as --artifacts keeps them";
  ReplayArguments replay;
  add(app, "replay", "Runs what a stored recording holds again", chosen, replay)
      .add_option("recording", replay.recording, recording)
      ->required();
  JudgeArguments judge;
  add(app, "judge", "Judges a stored recording again", chosen, judge)
      .add_option("recording", judge.recording, recording)
      ->required();
  EncodeArguments encode;
  add_encode(app, chosen, encode);
  DecodeArguments decode;
  add_decode(app, chosen, decode);
  DictionaryArguments dictionary;
  add_dictionary(app, chosen, dictionary);
  FuzzArguments fuzz;
  add_fuzz(app, chosen, fuzz);
  RecordArguments record;
  add_record(app, chosen, record);
  DoctorArguments doctor;
  add(app, "doctor", "Says what this machine allows, and what is lost where it does not", chosen,
      doctor);
  // The library throws on bad usage; it is caught here and nowhere else.
  try {
    app.parse(count, words);
  } catch (const CLI::Success& help) {
    return Done{app.exit(help)};
  } catch (const CLI::ParseError& error) {
    return Done{complain_of_usage(app, error)};
  }
  if (app.get_subcommands().empty()) {
    return Done{complain_of_usage(app, CLI::RequiredError("a subcommand"))};
  }
  return chosen;
}

}  // namespace sockdrill
