#include "harness/recording/snapshot.h"

#include "harness/base/try.h"

namespace sockdrill {

namespace {

/// What is 0, -1 or empty is left out.
template <typename T>
void put(Json& json, const char* key, const T& value, const T& unused) {
  if (value != unused) json[key] = value;
}

Json write_task(const TaskSeen& task) {
  Json json{{"pid", task.pid}, {"tid", task.tid}, {"state", task.state}};
  put(json, "call", task.call, std::string());
  put(json, "descriptor", task.descriptor, -1);
  put(json, "doing", task.doing, std::string());
  return json;
}

Json write_socket(const SocketSeen& socket) {
  Json json{{"descriptor", socket.descriptor}, {"state", socket.state}};
  put(json, "unread", socket.unread, std::uint64_t{0});
  put(json, "unsent", socket.unsent, std::uint64_t{0});
  put(json, "watched", socket.watched, std::string());
  put(json, "events", socket.events, std::string());
  return json;
}

Result<void> take(const Node& node, const char* key, std::string& into) {
  if (node.has(key)) into = TRY(node.at(key).as_string());
  return {};
}

Result<void> take(const Node& node, const char* key, int& into) {
  if (node.has(key)) into = static_cast<int>(TRY(node.at(key).as_integer(INT32_MIN, INT32_MAX)));
  return {};
}

Result<void> take(const Node& node, const char* key, std::uint64_t& into) {
  if (node.has(key)) into = TRY(node.at(key).as_unsigned());
  return {};
}

Result<TaskSeen> read_task(const Node& node) {
  TRY_VOID(node.allow_only({"pid", "tid", "state", "call", "descriptor", "doing"}));
  TaskSeen task;
  TRY_VOID(take(node, "pid", task.pid));
  TRY_VOID(take(node, "tid", task.tid));
  TRY_VOID(take(node, "state", task.state));
  TRY_VOID(take(node, "call", task.call));
  TRY_VOID(take(node, "descriptor", task.descriptor));
  TRY_VOID(take(node, "doing", task.doing));
  return task;
}

Result<SocketSeen> read_socket(const Node& node) {
  TRY_VOID(node.allow_only({"descriptor", "state", "unread", "unsent", "watched", "events"}));
  SocketSeen socket;
  TRY_VOID(take(node, "descriptor", socket.descriptor));
  TRY_VOID(take(node, "state", socket.state));
  TRY_VOID(take(node, "unread", socket.unread));
  TRY_VOID(take(node, "unsent", socket.unsent));
  TRY_VOID(take(node, "watched", socket.watched));
  TRY_VOID(take(node, "events", socket.events));
  return socket;
}

}  // namespace

Json write_snapshot(const Snapshot& snapshot) {
  Json json{{"tasks", Json::array()}, {"sockets", Json::array()}};
  for (const TaskSeen& task : snapshot.tasks) json["tasks"].push_back(write_task(task));
  for (const SocketSeen& socket : snapshot.sockets) json["sockets"].push_back(write_socket(socket));
  put(json, "descriptors", snapshot.descriptors, 0);
  put(json, "descriptor_limit", snapshot.descriptor_limit, std::uint64_t{0});
  put(json, "caught", snapshot.caught, std::uint64_t{0});
  put(json, "ignored", snapshot.ignored, std::uint64_t{0});
  put(json, "blocked", snapshot.blocked, std::uint64_t{0});
  return json;
}

Result<Snapshot> read_snapshot(const Node& node) {
  TRY_VOID(node.allow_only(
      {"tasks", "sockets", "descriptors", "descriptor_limit", "caught", "ignored", "blocked"}));
  Snapshot snapshot;
  for (const Node& task : TRY(node.required("tasks")).items())
    snapshot.tasks.push_back(TRY(read_task(task)));
  for (const Node& socket : TRY(node.required("sockets")).items())
    snapshot.sockets.push_back(TRY(read_socket(socket)));
  TRY_VOID(take(node, "descriptors", snapshot.descriptors));
  TRY_VOID(take(node, "descriptor_limit", snapshot.descriptor_limit));
  TRY_VOID(take(node, "caught", snapshot.caught));
  TRY_VOID(take(node, "ignored", snapshot.ignored));
  TRY_VOID(take(node, "blocked", snapshot.blocked));
  return snapshot;
}

}  // namespace sockdrill
