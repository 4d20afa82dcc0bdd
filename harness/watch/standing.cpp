#include "harness/watch/standing.h"

namespace sockdrill {

void mix(Standing& standing, std::initializer_list<std::uint64_t> values) {
  std::uint64_t hash = 0x9e3779b97f4a7c15U;
  for (const std::uint64_t value : values) {
    hash = (hash ^ value) * 0xff51afd7ed558ccdU;
    hash ^= hash >> 32U;
  }
  standing.fingerprint += hash;
}

Standing judge_sockets(const SocketTables& tables, const std::vector<ClientSocket>& clients,
                       const WatchOptions& options, const AskClient& ask) {
  Standing standing;
  judge_tcp(tables, clients, options, ask, standing);
  judge_udp(tables, clients, options, standing);
  judge_unix(tables, clients, options, standing);
  return standing;
}

}  // namespace sockdrill
