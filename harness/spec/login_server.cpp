// A server with states, and a defect behind all of them: login-server PROTOCOL PORT [STATES].
//
// PROTOCOL: ftp (USER, PASS, SYST, TYPE, CWD, PASV, LIST), smtp (EHLO, AUTH, MAIL, RCPT, DATA, ".")
// or mute-ftp, whose replies all begin alike. Commands in their order lead from state to state; any
// other is refused, and the state stays. It aborts when somebody has come to the last state and
// asks for more. STATES: only so many of them. Every command takes the same way through the code,
// so that neither the calls nor their answers tell the states apart: only the replies do.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Step {
  std::string_view command;  ///< how the line begins
  std::string_view reply;
};

struct Protocol {
  std::string_view greeting;
  std::vector<Step> steps;
  std::string_view refusal;
};

Protocol ftp{"220 ready\r\n",
             {{"USER anonymous", "331 password, please\r\n"},
              {"PASS ", "230 logged in\r\n"},
              {"SYST", "215 UNIX\r\n"},
              {"TYPE I", "200 binary\r\n"},
              {"CWD /", "250 changed\r\n"},
              {"PASV", "227 passive\r\n"},
              {"LIST", "150 here it comes\r\n"}},
             "503 not now\r\n"};
Protocol smtp{"220 ready\r\n",
              {{"EHLO ", "250-ready\r\n"},
               {"AUTH PLAIN ", "235 yours\r\n"},
               {"MAIL FROM:", "250 sender\r\n"},
               {"RCPT TO:", "251 recipient\r\n"},
               {"DATA", "354 go on\r\n"},
               {".", "252 queued\r\n"}},
              "503 not now\r\n"};

struct Client {
  std::string input;
  std::string output;
  std::size_t state = 0;
};

bool may_come_again(int error) { return error == EAGAIN || error == EINTR; }

class Server final {
 public:
  Server(const Protocol& protocol, bool is_mute) : protocol_(protocol), is_mute_(is_mute) {}

  [[nodiscard]] std::string_view greeting() const { return protocol_.greeting; }

  /// False: the client is gone, or says too much at a time.
  bool take_input(int fd, Client& client) const {
    char buffer[2048];
    const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size < 0) return may_come_again(errno);
    if (size == 0) return false;
    client.input.append(buffer, static_cast<std::size_t>(size));
    for (std::size_t end; (end = client.input.find("\r\n")) != std::string::npos;) {
      client.output += reply_to(client, client.input.substr(0, end));
      client.input.erase(0, end + 2);
    }
    return client.input.size() < 4096;
  }

  /// False: the client is gone.
  static bool give_output(int fd, Client& client) {
    const ssize_t size = ::send(fd, client.output.data(), client.output.size(), MSG_NOSIGNAL);
    if (size < 0) return may_come_again(errno);
    client.output.erase(0, static_cast<std::size_t>(size));
    return true;
  }

 private:
  std::string_view reply_to(Client& client, const std::string& line) const {
    std::string_view reply = protocol_.refusal;
    if (client.state == protocol_.steps.size()) std::abort();  // the defect
    const Step& next = protocol_.steps[client.state];
    if (line.compare(0, next.command.size(), next.command) == 0) {
      ++client.state;
      reply = next.reply;
    }
    return is_mute_ ? "200 well\r\n" : reply;
  }

  const Protocol& protocol_;
  bool is_mute_;
};

int open_listener(const char* port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  const bool listens =
      ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(listener, 64) == 0;
  return listens ? listener : -1;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) return 2;
  const std::string_view name = words[1];
  Protocol& protocol = name == "smtp" ? smtp : ftp;
  if (count > 3) protocol.steps.resize(static_cast<std::size_t>(std::atoi(words[3])));
  const Server server(protocol, name == "mute-ftp");
  const int listener = open_listener(words[2]);
  if (listener < 0) return 1;
  std::map<int, Client> clients;
  for (;;) {
    std::vector<pollfd> polled{{listener, POLLIN, 0}};
    for (const auto& [fd, client] : clients) {
      const short wanted = client.output.empty() ? POLLIN : POLLOUT;
      polled.push_back({fd, wanted, 0});
    }
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    for (std::size_t i = 1; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      const int fd = polled[i].fd;
      Client& client = clients[fd];
      if (client.output.empty() ? server.take_input(fd, client) : Server::give_output(fd, client))
        continue;
      clients.erase(fd);
      ::close(fd);
    }
    if (polled[0].revents == 0) continue;
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (client >= 0) clients[client].output = server.greeting();
  }
}
