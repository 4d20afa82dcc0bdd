#include "harness/spec/command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

extern char** environ;

namespace sockdrill::spec {

namespace fs = std::filesystem;

namespace {

constexpr const char* kMarker = "SOCKDRILL_SPEC_MARKER";

struct Folder {
  fs::path path = fs::temp_directory_path() / ("sockdrill-spec-" + std::to_string(::getpid()));
  Folder() {
    fs::create_directories(path);
    ::setenv(kMarker, path.c_str(), 1);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

const Folder& folder() {
  static const Folder here;
  return here;
}

}  // namespace

Running::Running(const std::vector<std::string>& line) {
  static int count = 0;
  err_file_ = folder().path / ("err" + std::to_string(++count));
  // In a process group of its own, as a shell would start it, and killed by its id.
  std::vector<std::string> words{"timeout", "--foreground", "--kill-after=5", "120"};
  words.insert(words.end(), line.begin(), line.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return;
  out_ = pipe[0];
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_file_.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (::posix_spawnp(&pid_, "timeout", &actions, nullptr, arguments.data(), environ) != 0)
    pid_ = -1;
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
}

Running::~Running() {
  if (out_ >= 0) ::close(out_);
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);  // timeout(1) passes it on
  ::waitpid(pid_, nullptr, 0);
}

bool Running::read_more() {
  std::array<char, 65536> chunk{};
  ssize_t count = 0;
  do count = ::read(out_, chunk.data(), chunk.size());
  while (count < 0 && errno == EINTR);
  if (count > 0) text_.append(chunk.data(), static_cast<std::size_t>(count));
  return count > 0;
}

bool Running::wait_for_output(const std::string& text, int times) {
  const auto is_there = [&] {
    std::size_t at = 0;
    for (int i = 0; i < times; ++i, ++at) {
      at = text_.find(text, at);
      if (at == std::string::npos) return false;
    }
    return true;
  };
  while (!is_there()) {
    if (!read_more()) return false;
  }
  return true;
}

void Running::send_signal(int signal) const {
  // To the command itself: timeout(1) would die of SIGKILL and leave it alone. It may not have
  // started the command yet.
  const std::string task = std::to_string(pid_);
  for (int i = 0; i < 3000; ++i) {
    std::ifstream file("/proc/" + task + "/task/" + task + "/children");
    if (int command = -1; file >> command) {
      ::kill(command, signal);
      return;
    }
    ::poll(nullptr, 0, 10);
  }
}

Ran Running::wait() {
  while (read_more()) {
  }
  Ran ran;
  int status = 0;
  if (pid_ > 0 && ::waitpid(std::exchange(pid_, -1), &status, 0) > 0)
    ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ran.err = read_file(err_file_);
  ran.out = text_;
  return ran;
}

Ran run_program(const std::vector<std::string>& line) { return Running(line).wait(); }

std::vector<std::string> command_line(const std::vector<std::string>& words) {
  std::vector<std::string> line{SOCKDRILL_COMMAND};
  line.insert(line.end(), words.begin(), words.end());
  return line;
}

Ran sockdrill(const std::vector<std::string>& words) { return run_program(command_line(words)); }

bool install(const std::string& prefix) {
  return run_program({SOCKDRILL_CMAKE, "--install", SOCKDRILL_BUILD, "--prefix", prefix})
             .exit_code == 0;
}

std::vector<std::string> with_faulty_server(std::vector<std::string> words,
                                            const std::string& fault) {
  words.insert(words.end(),
               {"--exec", std::string(SOCKDRILL_FAULTY_SERVER) + " " + fault + " {port}"});
  return words;
}

std::string write_file(const std::string& name, const std::string& text) {
  const fs::path path = folder().path / name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string make_folder(const std::string& name) {
  const fs::path path = folder().path / name;
  fs::create_directories(path);
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool all_marked_processes_end() {
  // The kernel takes a namespace down in its own time after the last process was told.
  for (int i = 0; i < 3000; ++i) {
    if (marked_processes().empty()) return true;
    ::poll(nullptr, 0, 10);
  }
  return false;
}

std::vector<int> marked_processes() {
  const std::string mark = std::string(kMarker) + "=" + folder().path.string();
  std::vector<int> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const int pid = std::stoi(name);
    if (pid == ::getpid()) continue;
    if (read_file(entry.path() / "environ").find(mark) != std::string::npos) found.push_back(pid);
  }
  return found;
}

}  // namespace sockdrill::spec
