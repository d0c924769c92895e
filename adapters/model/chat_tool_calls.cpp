#include "adapters/model/chat_tool_calls.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace muster::model {
namespace {

using nlohmann::json;

std::string string_member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number_integer() ? found->dump() : std::string{};
}

std::optional<std::int64_t> index_member(const json& object) {
  const auto found = object.find("index");
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

/// Very long arguments are not looked at: that could take long for every piece.
bool is_whole(const std::string& arguments) {
  constexpr std::size_t most = std::size_t{64} << 10U;
  return arguments.ends_with('}') && arguments.size() <= most && json::accept(arguments);
}

/// FNV-1a, 64 bits.
void mix(std::uint64_t& hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  hash = (hash ^ 0xFFU) * 1099511628211ULL;  // so that "ab","c" and "a","bc" differ
}

/// Nine letters and digits: the one form that every provider accepts back (Mistral is strict).
std::string nine_letters(std::uint64_t hash) {
  static constexpr std::string_view letters =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string id(9, '0');
  for (char& c : id) {
    c = letters[hash % letters.size()];
    hash /= letters.size();
  }
  return id;
}

std::uint64_t hash_of(std::string_view salt, const ToolCall& call, std::size_t position) {
  std::uint64_t hash = 14695981039346656037ULL;
  mix(hash, salt);
  mix(hash, call.name);
  mix(hash, call.arguments);
  mix(hash, std::to_string(position));
  return hash;
}

}  // namespace

std::size_t ToolCallAssembler::add(const json& piece) {
  if (!piece.is_object()) return 0;
  const auto function = piece.find("function");
  const bool nested = function != piece.end() && function->is_object();
  const json& source = nested ? *function : piece;
  const std::string id = string_member(piece, "id");
  const std::string name = string_member(source, "name");
  ToolCall& call = place_for(index_member(piece), id, name).call;
  const std::size_t before = call.id.size() + call.name.size() + call.arguments.size();
  if (call.id.empty()) call.id = id;
  if (call.name.empty()) call.name = name;
  const auto arguments = source.find("arguments");
  if (arguments != source.end()) {
    if (arguments->is_string()) {
      call.arguments += arguments->get_ref<const std::string&>();
    } else if (arguments->is_structured()) {
      call.arguments = arguments->dump(-1, ' ', false, json::error_handler_t::replace);
    }
  }
  const std::size_t after = call.id.size() + call.name.size() + call.arguments.size();
  // Each call counts, even an empty one: their number has to be bounded too.
  return after > before ? after - before : 1;
}

std::size_t ToolCallAssembler::add_function_call(const json& call) {
  if (!call.is_object()) return 0;
  return add(json{{"index", 0}, {"function", call}});
}

/// Which call a piece belongs to.
ToolCallAssembler::Partial& ToolCallAssembler::place_for(const std::optional<std::int64_t>& index,
                                                         const std::string& id,
                                                         const std::string& name) {
  // The newest one of that index: older ones of the same index are complete.
  const auto by_index = [&](const Partial& one) { return index ? one.index == index : true; };
  const auto by_id = [&](const Partial& one) { return !id.empty() && one.call.id == id; };
  const auto newest = [&](const auto& matches) {
    const auto found = std::find_if(calls_.rbegin(), calls_.rend(), matches);
    return found == calls_.rend() ? nullptr : &*found;
  };
  if (Partial* const same = !index || name.empty() ? newest(by_id) : nullptr) return *same;
  Partial* const candidate = newest(by_index);
  if (candidate == nullptr) return append(index);
  const ToolCall& call = candidate->call;
  // Without a name it can only go on with what is there.
  if (name.empty() || call.name.empty()) return *candidate;
  // A name again: the same call, for providers that repeat it, or the next one under a used index.
  const bool same_id = !id.empty() && call.id == id;
  const bool other_id = !id.empty() && !call.id.empty() && !same_id;
  const bool same_call = !other_id && call.name == name && (same_id || !is_whole(call.arguments));
  return same_call ? *candidate : append(index);
}

ToolCallAssembler::Partial& ToolCallAssembler::append(const std::optional<std::int64_t>& index) {
  calls_.push_back({index, {}});
  return calls_.back();
}

std::vector<ToolCall> ToolCallAssembler::take(std::string_view salt) {
  std::vector<ToolCall> out;
  std::set<std::string> used;
  for (auto& partial : std::exchange(calls_, {})) {
    ToolCall& call = partial.call;
    if (call.name.empty() && call.arguments.empty()) continue;
    if (call.id.empty() || used.contains(call.id)) {
      auto hash = hash_of(salt, call, out.size());
      do {
        call.id = nine_letters(hash++);
      } while (used.contains(call.id));
    }
    used.insert(call.id);
    out.push_back(std::move(call));
  }
  return out;
}

}  // namespace muster::model
