#include "harness/spec/command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

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

std::string read_end(int fd) {
  std::string text;
  std::array<char, 65536> chunk{};
  for (ssize_t count = 0; (count = ::read(fd, chunk.data(), chunk.size())) > 0;)
    text.append(chunk.data(), static_cast<std::size_t>(count));
  return text;
}

}  // namespace

std::string command_path() { return SOCKDRILL_COMMAND; }

Ran sockdrill(const std::vector<std::string>& words) {
  static_cast<void>(folder());
  std::vector<std::string> line{"timeout", "--kill-after=5", "120", command_path()};
  line.insert(line.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : line) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // The output goes through files: a pipe could fill while the other one is read.
  const std::string out_file = folder().path / "out";
  const std::string err_file = folder().path / "err";
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_file.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_file.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t pid = -1;
  Ran ran;
  if (::posix_spawnp(&pid, "timeout", &actions, nullptr, arguments.data(), environ) == 0) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  posix_spawn_file_actions_destroy(&actions);
  const auto slurp = [](const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    std::string text = read_end(fd);
    ::close(fd);
    return text;
  };
  ran.out = slurp(out_file);
  ran.err = slurp(err_file);
  return ran;
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

std::vector<int> marked_processes() {
  const std::string mark = std::string(kMarker) + "=" + folder().path.string();
  std::vector<int> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const int pid = std::stoi(name);
    if (pid == ::getpid()) continue;
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (text.find(mark) != std::string::npos) found.push_back(pid);
  }
  return found;
}

}  // namespace sockdrill::spec
