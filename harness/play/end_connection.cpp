#include "harness/play/end_connection.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

namespace sockdrill {

void end_connection(Fd connection, bool is_abortive) {
  int unread = 0;
  static_cast<void>(::ioctl(raw(connection), FIONREAD, &unread));
  if (!is_abortive && unread == 0) {
    static_cast<void>(::shutdown(raw(connection), SHUT_RDWR));
    return;
  }
  // Dissolving the association sends RST (connect(2); so does close() with SO_LINGER {1, 0}).
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  static_cast<void>(::connect(raw(connection), &nobody, sizeof(nobody)));
}

}  // namespace sockdrill
