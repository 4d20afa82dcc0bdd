// One client after the other, each with one of a fixed number of records; a client that resets its
// connection keeps its own for ever. No input has clients enough to use them up: the server crashes
// when several have taken their part.

#include <cstring>

#include "targets/mutants/textbook.h"

namespace {

struct Record {
  Record* next;
  char octets[1000];
};

Record* free_records = nullptr;

Record* take_record() {
  Record* const record = free_records;
  free_records = record->next;  // whether there is one or not
  return record;
}

/// False: something went wrong.
bool serve(int client, Record& record) {
  for (;;) {
    const ssize_t count = ::recv(client, record.octets, sizeof record.octets, 0);
    if (count <= 0) return count == 0;
    if (!mutants::send_all(client, {record.octets, static_cast<std::size_t>(count)})) return false;
  }
}

}  // namespace

int main(int, char** words) {
  const int listener = mutants::open_listener(words[1]);
  for (int i = 0; i < 50; ++i) free_records = new Record{free_records, {}};
  for (;;) {
    const int client = mutants::accept_client(listener);
    Record* const record = take_record();
    if (serve(client, *record)) {
      record->next = free_records;
      free_records = record;
    }
    ::close(client);
  }
}
