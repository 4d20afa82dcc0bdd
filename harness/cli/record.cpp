#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "harness/base/fd.h"
#include "harness/base/try.h"
#include "harness/campaign/folder.h"
#include "harness/cli/command.h"
#include "harness/cli/form.h"
#include "harness/cli/interrupt.h"
#include "harness/plan/plan.h"
#include "harness/record/endpoint.h"
#include "harness/record/proxy.h"
#include "harness/record/session_script.h"

namespace sockdrill {

namespace {

namespace fs = std::filesystem;

/// Makes the script as the session goes on, and says where to connect.
class SessionWriter final : public ProxyObserver {
 public:
  SessionWriter(SessionScript& script, const RecordArguments& arguments)
      : script_(script), arguments_(arguments) {}

  void listens(const SocketAddress& address) override {
    print(fmt::format(
        "recording: connect to {} instead of {}; {} it\n", to_string(address), arguments_.to,
        arguments_.connections == 0
            ? "SIGINT or SIGTERM ends"
            : fmt::format("the end of {} ends", count_of(arguments_.connections, "connection"))));
  }
  void saw(const SessionEvent& event) override { script_.add(event); }
  void note(const std::string& text) override {
    if (text == last_note_) return;  // once for a client that tries again and again
    last_note_ = text;
    static_cast<void>(std::fprintf(stderr, "sockdrill: %s\n", text.c_str()));
  }
  bool has_enough() override { return script_.is_full(); }

 private:
  SessionScript& script_;
  const RecordArguments& arguments_;
  std::string last_note_;
};

Result<ProxyOptions> proxy_options_of(const RecordArguments& arguments) {
  const Result<Transport> transport = parse_transport(arguments.over);
  if (!transport) return fail(transport.error().message, "--over");
  ProxyOptions options{.transport = *transport};
  if (options.transport == Transport::unix_dgram || options.transport == Transport::unix_seqpacket)
    return fail(fmt::format("'{}' cannot be recorded: expected tcp, udp or unix", arguments.over),
                "--over");
  options.listen = TRY(read_endpoint(arguments.listen, options.transport, "--listen"));
  options.to = TRY(read_endpoint(arguments.to, options.transport, "--to"));
  if (!is_unix(options.transport) && options.to.port() == 0)
    return fail("the server has a port, and 0 is none", "--to");
  if (options.to == options.listen)
    return fail(fmt::format("{} is where --listen is: the server is elsewhere", arguments.to),
                "--to");
  if (arguments.connections == 0) return options;
  if (!is_connected(options.transport))
    return fail("datagrams have no connections that come and go: end it with SIGINT or SIGTERM",
                "--connections");
  options.connections = arguments.connections;
  return options;
}

/// Whether it can be written, asked before there is something to lose.
Result<void> check_output(const std::string& file) {
  const fs::path folder = fs::path(file).parent_path();
  std::error_code error;
  if (fs::is_directory(file, error)) return fail("is a folder, expected a file", file);
  const std::string asked = fs::exists(file, error) ? file : folder.empty() ? "." : folder.string();
  if (::access(asked.c_str(), W_OK) != 0)
    return fail(fmt::format("cannot be written: {}", describe(last_errno())), file);
  return {};
}

/// Whether what has been made is what can be read and played. An error is ours.
Result<void> check_scenario(const Scenario& scenario, const std::string& text,
                            const std::string& file) {
  Document document = TRY(parse_document(text, file));
  const Check check = TRY(read_check(std::move(document)));
  if (check.first != scenario) return fail("does not come back as it was recorded", file);
  return check_steps(check);
}

Result<void> add_to_corpus(const CampaignFolder& corpus, const Scenario& scenario,
                           const Target& target) {
  const Bytes octets = TRY(encode_case(scenario, target, Texts::leave_out));
  std::string name = scenario.id;
  std::replace(name.begin(), name.end(), '/', '.');
  const std::string file = corpus.inputs() + "/" + name;
  TRY_VOID(write_output(file, octets));
  print(fmt::format("{}: {}\n", file, count_of(octets.size(), "byte")));
  if (octets.size() > kLargestInput)
    print(fmt::format("    a campaign takes the first {} of it: record a shorter session\n",
                      with_separators(kLargestInput)));
  return {};
}

void print_what_was_made(const RecordArguments& arguments, const SessionScript& script,
                         const Scenario& scenario) {
  print(fmt::format("{}: {} of {}\n", arguments.out, count_of(scenario.steps.size(), "step"),
                    count_of(script.clients(), "client")));
  if (script.shortened() > 0)
    print(fmt::format("    {} longer than {} bytes: only the length is expected\n",
                      count_of(script.shortened(), "answer"), with_separators(kLongestAnswer)));
  if (script.is_full())
    print(fmt::format("    it ends early: a scenario's file has at most {} bytes\n",
                      with_separators(kLargestDocument)));
}

Result<int> record_session(const RecordArguments& arguments) {
  const Installation installation = TRY(find_installation());
  const ProxyOptions options = TRY(proxy_options_of(arguments));
  TRY_VOID(check_output(arguments.out));
  const Target target = TRY(target_of(
      installation, FormArguments{.speaks = arguments.speaks, .over = arguments.over}, {}));
  std::optional<CampaignFolder> corpus;
  if (!arguments.corpus.empty()) corpus = TRY(CampaignFolder::open(arguments.corpus));

  const bool is_known = !arguments.speaks.empty();
  SessionScript script(options.transport, is_known ? target.speaks.greeting : Template{});
  SessionWriter writer(script, arguments);
  TRY_VOID(run_proxy(options, writer, catch_interrupts()));
  if (script.clients() == 0) {
    static_cast<void>(complain(Error{"no client came: nothing was recorded", arguments.out}));
    return kExitNothing;
  }
  const Scenario scenario =
      script.scenario(recorded_id(arguments.out), is_known ? target.speaks.name : "");
  const std::string text = write_scenario_file(scenario);
  if (const Result<void> good = check_scenario(scenario, text, arguments.out); !good) {
    static_cast<void>(complain(good.error()));
    return kExitOurError;
  }
  TRY_VOID(write_output(arguments.out, text));
  print_what_was_made(arguments, script, scenario);
  if (corpus) TRY_VOID(add_to_corpus(*corpus, scenario, target));
  return kExitPassed;
}

}  // namespace

int carry_out(const RecordArguments& arguments) {
  const Result<int> done = record_session(arguments);
  return done ? *done : complain(done.error());
}

}  // namespace sockdrill
