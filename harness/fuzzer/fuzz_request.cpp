#include "harness/fuzzer/fuzz_request.h"

#include "harness/base/try.h"

namespace sockdrill {

namespace {

Result<std::vector<std::string>> read_words(const Json& json, const char* key,
                                            const std::string& file) {
  std::vector<std::string> words;
  if (!json.contains(key) || !json[key].is_array())
    return fail(std::string("'") + key + "' is no list", file);
  for (const Json& word : json[key]) {
    if (!word.is_string()) return fail(std::string("'") + key + "' is no list of words", file);
    words.push_back(word.get<std::string>());
  }
  return words;
}

}  // namespace

std::string write_fuzz_request(const FuzzRequest& request) {
  return Json{{"target", write_target(request.target)},
              {"port", request.port},
              {"path", request.path},
              {"words", request.words},
              {"known", request.known},
              {"counters", request.counters}}
      .dump(2);
}

Result<FuzzRequest> read_fuzz_request(const std::string& text, const std::string& file) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("target")) return fail("it is no request", file);
  std::vector<Target> targets = TRY(read_targets(TRY(parse_document(json["target"].dump(), file))));
  return FuzzRequest{.target = std::move(targets.front()),
                     .port = json.value("port", std::uint16_t{0}),
                     .path = json.value("path", ""),
                     .words = TRY(read_words(json, "words", file)),
                     .known = TRY(read_words(json, "known", file)),
                     .counters = json.value("counters", "")};
}

std::string identity_of(const Suspicion& suspicion) {
  std::string text = suspicion.rule + ": ";
  for (const char c : suspicion.what) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit)
      text += c;
    else if (text.back() != '0')
      text += '0';
  }
  return text;
}

}  // namespace sockdrill
