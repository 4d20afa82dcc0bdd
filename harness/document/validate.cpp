// The one file that knows the validation library.

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include <fmt/format.h>

#include "harness/base/check.h"
#include "harness/document/document.h"

namespace sockdrill {

namespace {

/// The library reports a path like `<root>["steps"][2]`; ours is a JSON pointer.
std::string to_pointer(const std::vector<std::string>& context) {
  std::string pointer;
  for (std::size_t i = 1; i < context.size(); ++i) {
    std::string part = context[i];
    if (part.size() >= 4 && part.starts_with("[\""))
      part = part.substr(2, part.size() - 4);
    else if (part.size() >= 2 && part.starts_with("["))
      part = part.substr(1, part.size() - 2);
    pointer += "/" + part;
  }
  return pointer;
}

}  // namespace

struct Schema::Impl {
  valijson::Schema schema;
};

Schema::Schema(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  SOCKDRILL_CHECK(!json.is_discarded(), "a schema of ours is not JSON");
  auto impl = std::make_unique<Impl>();
  valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(json),
                                          impl->schema);
  impl_ = std::move(impl);
}

Schema::~Schema() = default;

Result<void> Schema::validate(const Document& document) const {
  const nlohmann::json instance = nlohmann::json::parse(document.text, nullptr, false);
  // It keeps the regular expressions that it has compiled: half of the work.
  thread_local valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(impl_->schema, valijson::adapters::NlohmannJsonAdapter(instance),
                         &results))
    return {};

  valijson::ValidationResults::Error error;
  std::string pointer;
  std::string message = "the schema refuses this value";
  while (results.popError(error)) {
    const std::string candidate = to_pointer(error.context);
    if (!pointer.empty() && candidate.size() <= pointer.size()) continue;
    pointer = candidate;
    message = error.description;
  }
  return tl::unexpected(document.error_at(pointer, message));
}

}  // namespace sockdrill
