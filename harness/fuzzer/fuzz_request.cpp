#include "harness/fuzzer/fuzz_request.h"

#include "harness/base/text.h"
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
              {"counters", request.counters},
              {"lines", request.lines}}
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
                     .counters = json.value("counters", ""),
                     .lines = json.value("lines", "")};
}

std::string identity_of(const Suspicion& suspicion) {
  std::string text = suspicion.rule + ":";
  bool follows_number = false;
  for (std::string word : split(suspicion.what, ' ')) {
    // "1 byte" and "3,699 bytes" are alike; so are ports.
    const bool is_number = !word.empty() && word[0] >= '0' && word[0] <= '9';
    if (follows_number && word.ends_with('s')) word.pop_back();
    std::string alike;
    for (const char c : word) {
      const bool is_of_number = (c >= '0' && c <= '9') || (is_number && c == ',');
      if (!is_of_number)
        alike += c;
      else if (alike.empty() || alike.back() != '0')
        alike += '0';
    }
    text += " " + alike;
    follows_number = is_number;
  }
  return text;
}

}  // namespace sockdrill
