#pragma once

// Runs the built command as a user does, for the behaviour tests.

#include <string>
#include <vector>

namespace sockdrill::spec {

struct Ran {
  int exit_code = -1;  ///< 128 + n when it was killed by signal n
  std::string out;
  std::string err;
};

/// A program that runs while the test goes on. It is killed after two minutes, which no test comes
/// near, and with this object.
class Running final {
 public:
  explicit Running(const std::vector<std::string>& line);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// Until its standard output holds `text` so many times. False: it ended before.
  bool wait_for_output(const std::string& text, int times = 1);
  /// Its standard output, as far as it was waited for.
  [[nodiscard]] const std::string& output() const { return text_; }
  void send_signal(int signal) const;
  Ran wait();

 private:
  bool read_more();

  int pid_ = -1;
  int out_ = -1;
  std::string err_file_;
  std::string text_;
};

/// Runs a program to its end.
Ran run_program(const std::vector<std::string>& line);

/// Runs `sockdrill WORDS...` to its end.
Ran sockdrill(const std::vector<std::string>& words);

/// `cmake --install` of what was built.
bool install(const std::string& prefix);

/// The command line of `sockdrill WORDS...`, for Running.
std::vector<std::string> command_line(const std::vector<std::string>& words);

/// `--exec` words for the faulty server of this folder.
std::vector<std::string> with_faulty_server(std::vector<std::string> words,
                                            const std::string& fault);

/// A file in a folder of this test run's own, which is removed at the end.
std::string write_file(const std::string& name, const std::string& text);

/// An empty folder of this test run's own, which is removed at the end.
std::string make_folder(const std::string& name);

/// What a file holds; "" if there is none.
std::string read_file(const std::string& path);

/// Processes, other than this one and its parents, whose environment holds this run's marker: what
/// we started, and what that started.
std::vector<int> marked_processes();

/// Whether all of them end by themselves, given a generous while.
bool all_marked_processes_end();

}  // namespace sockdrill::spec
