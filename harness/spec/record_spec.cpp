// A real client's session, recorded and played again.

#include <csignal>
#include <filesystem>

#include "harness/spec/catch.h"
#include "harness/spec/command.h"

namespace sockdrill::spec {

namespace {

/// Answers each line with it in capitals, and says goodbye to whoever half-closes; as a datagram
/// server each datagram. It prints where it listens. As a mutant it answers "WRONG" to "two".
const char* const kServer = R"(import os, socket, sys, threading
over, place, mutant = sys.argv[1], sys.argv[2], len(sys.argv) > 3
def answer(line):
    return b"WRONG\n" if mutant and line == b"two\n" else line.upper()
def serve(client):
    try:
        for line in client.makefile("rb"):
            if line == b"reset\n":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.close()
                return
            client.sendall(answer(line))
        client.sendall(b"bye\xff")
    except OSError:
        pass
    client.close()
if over == "unix":
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
else:
    listener = socket.socket(type=socket.SOCK_DGRAM if over == "udp" else socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(place)))
    place = listener.getsockname()[1]
print("at", place, flush=True)
if over == "udp":
    while True:
        data, client = listener.recvfrom(65536)
        listener.sendto(answer(data), client)
listener.listen(16)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
)";

/// Two clients side by side; one half-closes, the other one resets; a third one is reset.
const char* const kStreamClient = R"(import socket, sys
def connect():
    if "/" in sys.argv[1]:
        client = socket.socket(socket.AF_UNIX)
        client.connect(sys.argv[1])
        return client
    return socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def say(client, text):
    client.sendall(text)
    reply = client.recv(100)
    assert reply == text.upper(), reply
a, b = connect(), connect()
say(a, b"one\n")
say(b, b"$two\n")
say(a, b"two\n")
a.shutdown(socket.SHUT_WR)
assert a.recv(100) == b"bye\xff" and a.recv(100) == b""
a.close()
b.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
b.close()
if "/" not in sys.argv[1]:
    c = connect()
    c.sendall(b"reset\n")
    try:
        sys.exit(c.recv(1) or "an end, expected a reset")
    except ConnectionResetError:
        pass
)";

const char* const kDatagramClient = R"(import socket, sys
clients = [socket.socket(type=socket.SOCK_DGRAM) for i in range(2)]
for text in b"two\n", b"", b"\0" * 9000:
    for client in clients:
        client.sendto(text, ("127.0.0.1", int(sys.argv[1])))
        assert client.recv(65536) == text.upper()
)";

const char* const kDialogue =
    R"({"name": "shout", "dialogue": [{"request": "PING\n", "reply": "PING\n"}]})";

/// A server of kServer, a recording in front of it, and what the client's session made of it.
struct Recorded {
  std::string server;  ///< its script
  std::string file;    ///< the scenario
  std::string where;   ///< "--listen" of the recording
  Ran ran;
};

/// Of the first line, once it is there.
std::string last_word_of_line(Running& running, const std::string& before) {
  if (!running.wait_for_output("\n")) return "";
  const std::string line = running.output().substr(0, running.output().find('\n'));
  const std::size_t at = line.find(before);
  return at == std::string::npos ? "" : line.substr(at + before.size());
}

/// `more`: of `sockdrill record`. Without `--connections` it is interrupted once the client has
/// ended.
Recorded record(const std::string& over, const char* client, std::vector<std::string> more) {
  const std::string folder = make_folder("record-" + over);
  Recorded made{.server = write_file("server.py", kServer),
                .file = folder + "/my session.json",
                .where = over == "unix" ? folder + "/proxy" : "0",
                .ran = {}};
  Running server({SOCKDRILL_PYTHON, made.server, over, over == "unix" ? folder + "/server" : "0"});
  const std::string place = last_word_of_line(server, "at ");
  std::vector<std::string> words{"record",
                                 "--over",
                                 over,
                                 "--listen",
                                 made.where,
                                 "--to",
                                 place,
                                 "--out",
                                 made.file,
                                 "-s",
                                 write_file("shout.json", kDialogue)};
  words.insert(words.end(), more.begin(), more.end());
  Running recording(command_line(words));
  std::string address = last_word_of_line(recording, "connect to ");
  address = address.substr(0, address.find(' '));
  address = address.substr(address.rfind(':') + 1);
  const Ran talked =
      run_program({SOCKDRILL_PYTHON, write_file("client-" + over + ".py", client), address});
  CAPTURE(talked.err);
  CHECK(talked.exit_code == 0);
  if (more.empty()) recording.send_signal(SIGINT);
  made.ran = recording.wait();
  return made;
}

Ran replay(const Recorded& recorded, const std::string& over, const std::string& more = "") {
  const std::string place = over == "unix" ? " {path}" : " {port}";
  return sockdrill({"run", recorded.file, "--over", over, "-s", write_file("shout.json", kDialogue),
                    "-x", SOCKDRILL_PYTHON " " + recorded.server + " " + over + place + more});
}

}  // namespace

SCENARIO("a recorded session passes on the same server, and fails on one that answers otherwise",
         "[record]") {
  GIVEN("three TCP clients: one half-closes, one resets, one is reset") {
    const std::string corpus = make_folder("campaign");
    const Recorded recorded =
        record("tcp", kStreamClient, {"--connections", "3", "--corpus", corpus});
    CAPTURE(recorded.ran.out, recorded.ran.err);
    REQUIRE(recorded.ran.exit_code == 0);
    CHECK_THAT(recorded.ran.out, ContainsSubstring("of 3 clients"));
    const std::string text = read_file(recorded.file);
    CAPTURE(text);
    CHECK_THAT(text, ContainsSubstring(R"("id": "recorded/my-session")"));
    CHECK_THAT(text, ContainsSubstring(R"({"client":"b","send":{"text":"$two\n"}})"));
    CHECK_THAT(text, ContainsSubstring(R"({"client":"a","shutdown":"write"})"));
    CHECK_THAT(text, ContainsSubstring(R"("expect":{"bytes":{"hex":"627965ff"},"then":"fin"}})"));
    CHECK_THAT(text, ContainsSubstring(R"({"client":"b","reset":{}})"));
    CHECK_THAT(
        text, ContainsSubstring(R"({"client":"c","expect":{"bytes":{"text":""},"then":"reset"}})"));
    CHECK(sockdrill({"lint", recorded.file}).exit_code == 0);
    const Ran passed = replay(recorded, "tcp");
    CAPTURE(passed.out, passed.err);
    CHECK(passed.exit_code == 0);
    const Ran failed = replay(recorded, "tcp", " mutant");
    CHECK(failed.exit_code == 1);
    CHECK_THAT(failed.out, ContainsSubstring("WRONG"));
    AND_THEN("it is an input of a campaign, too") {
      const Ran decoded = sockdrill({"decode", corpus + "/inputs/recorded.my-session"});
      CHECK(decoded.exit_code == 0);
      CHECK_THAT(decoded.out, ContainsSubstring(R"({"client":"a","shutdown":"write"})"));
    }
  }
  GIVEN("clients over AF_UNIX") {
    const Recorded recorded = record("unix", kStreamClient, {"--connections", "2"});
    CAPTURE(recorded.ran.out, recorded.ran.err, read_file(recorded.file));
    REQUIRE(recorded.ran.exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(recorded.where));
    CHECK(replay(recorded, "unix").exit_code == 0);
    CHECK(replay(recorded, "unix", " mutant").exit_code == 1);
  }
  GIVEN("clients that send datagrams, until it is interrupted") {
    const Recorded recorded = record("udp", kDatagramClient, {});
    CAPTURE(recorded.ran.out, recorded.ran.err);
    REQUIRE(recorded.ran.exit_code == 0);
    CHECK_THAT(read_file(recorded.file),
               ContainsSubstring(R"({"client":"b","expect":{"message":{"text":""}}})"));
    CHECK(replay(recorded, "udp").exit_code == 0);
    CHECK(replay(recorded, "udp", " mutant").exit_code == 1);
  }
}

SCENARIO("what cannot be recorded is refused before anybody comes", "[record]") {
  const std::string file = make_folder("refused") + "/out.json";
  const auto says = [](const std::vector<std::string>& more, const std::string& what) {
    std::vector<std::string> words{"record"};
    words.insert(words.end(), more.begin(), more.end());
    const Ran ran = sockdrill(words);
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, StartsWith("sockdrill: ") && ContainsSubstring(what));
  };
  const std::string loopback = "is not on this machine's loopback";
  says({"--listen", "0.0.0.0:80", "--to", "7", "--out", file},
       "--listen: '0.0.0.0:80' " + loopback);
  says({"--listen", "0", "--to", "192.0.2.1:80", "--out", file},
       "--to: '192.0.2.1:80' " + loopback);
  says({"--listen", "0", "--to", "example.org:80", "--out", file}, loopback);
  says({"--listen", "x", "--to", "7", "--out", file}, "expected PORT, or HOST:PORT");
  says({"--listen", "7", "--to", "localhost:7", "--out", file}, "the server is elsewhere");
  says({"--listen", "0", "--to", "0", "--out", file}, "0 is none");
  says({"--listen", "0", "--to", "7", "--out", "/no/such/folder/x.json"}, "cannot be written");
  says({"--listen", "0", "--to", "7", "--out", file, "--over", "ucp"}, "unknown transport 'ucp'");
  says({"--listen", "0", "--to", "7", "--out", file, "--over", "unix-dgram"},
       "expected tcp, udp or unix");
  says({"--listen", "0", "--to", "7", "--out", file, "--over", "udp", "--connections", "1"},
       "no connections");
  says({"--listen", "0", "--to", "7", "--out", file, "-s", "ecoh"}, "ecoh");
  says({"--listen", "0", "--to", "7"}, "--out is required");
  CHECK(read_file(file).empty());
}

}  // namespace sockdrill::spec
