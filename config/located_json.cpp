#include "config/located_json.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace muster::config {
namespace {

using json = nlohmann::json;

constexpr std::size_t max_text = 1U << 20U;
constexpr std::size_t max_depth = 64;

/// An input iterator that shows how far the parser has read.
class Cursor {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor() = default;
  Cursor(const char* at, const char** read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    ++at_;
    *read_ = at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor old = *this;
    ++*this;
    return old;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }
  bool operator!=(const Cursor& other) const { return at_ != other.at_; }

 private:
  const char* at_ = nullptr;
  const char** read_ = nullptr;
};

/// Builds the value and notes the line of every key and element.
class Builder : public json::json_sax_t {
 public:
  Builder(const char* begin, const char** read, LocatedJson& out)
      : counted_(begin), begin_(begin), read_(read), out_(out) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return fail("binary data"); }
  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = stack_.back();
    if (level.value->contains(name)) return fail("the key '" + name + "' appears twice");
    level.key = name;
    out_.lines[level.pointer + "/" + escape_pointer(name)] = line();
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    const char* end = begin_ + (position == 0 ? 0 : position - 1);
    error_line = 1 + static_cast<int>(std::count(begin_, end, '\n'));
    std::string text = error.what();
    const auto start = text.find("syntax error");
    message = "not valid JSON: " + (start == std::string::npos ? text : text.substr(start));
    return false;
  }

  std::string message;
  int error_line = 0;

 private:
  struct Level {
    json* value;
    std::string pointer;
    std::string key;
  };

  bool fail(std::string what) {
    message = std::move(what);
    error_line = line();
    return false;
  }

  /// The line of what was parsed last. The parser may have read one character beyond a number.
  int line() {
    const char* end = *read_ > begin_ ? *read_ - 1 : begin_;
    if (end > counted_) {
      line_ += static_cast<int>(std::count(counted_, end, '\n'));
      counted_ = end;
    }
    return line_;
  }

  json* place(json value, std::string& pointer) {
    if (stack_.empty()) {
      out_.lines[""] = line();
      out_.value = std::move(value);
      return &out_.value;
    }
    Level& level = stack_.back();
    if (level.value->is_object()) {
      pointer = level.pointer + "/" + escape_pointer(level.key);
      return &((*level.value)[level.key] = std::move(value));
    }
    pointer = level.pointer + "/" + std::to_string(level.value->size());
    out_.lines[pointer] = line();
    level.value->push_back(std::move(value));
    return &level.value->back();
  }

  bool add(json value) {
    std::string pointer;
    place(std::move(value), pointer);
    return true;
  }

  bool open(json value) {
    if (stack_.size() >= max_depth) return fail("nested too deeply");
    std::string pointer;
    json* placed = place(std::move(value), pointer);
    stack_.push_back({placed, pointer, {}});
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  const char* counted_;
  const char* begin_;
  const char** read_;
  LocatedJson& out_;
  std::vector<Level> stack_;
  int line_ = 1;
};

}  // namespace

int LocatedJson::line(std::string_view pointer) const {
  std::string at(pointer);
  for (;;) {
    if (auto found = lines.find(at); found != lines.end()) return found->second;
    const auto slash = at.rfind('/');
    if (slash == std::string::npos) return 0;
    at.resize(slash);
  }
}

Result<LocatedJson> parse_located(std::string_view text, const std::string& file) {
  if (text.size() > max_text)
    return Error{ErrorCode::limit_reached, "the file is larger than 1 MiB", file};
  LocatedJson out;
  const char* read = text.data();
  Builder builder(text.data(), &read, out);
  const Cursor begin(text.data(), &read);
  const Cursor end(text.data() + text.size(), &read);
  const bool fine = json::sax_parse(begin, end, &builder, json::input_format_t::json, true, true);
  if (fine) return out;
  return Error{ErrorCode::malformed, builder.message,
               file + ":" + std::to_string(builder.error_line)};
}

Result<LocatedJson> read_located(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    const auto code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::not_found
                      : errno == EACCES                   ? ErrorCode::permission_denied
                                                          : ErrorCode::io_error;
    return Error{code, std::strerror(errno), path};
  }
  if (!S_ISREG(info.st_mode))
    return Error{ErrorCode::invalid_argument, "is not a regular file", path};
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{ErrorCode::permission_denied, "cannot be read", path};
  std::string text(max_text + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_located(text, path);
}

std::string escape_pointer(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::vector<std::string> split_pointer(std::string_view pointer) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      keys.emplace_back();
    } else if (pointer[i] == '~' && i + 1 < pointer.size()) {
      keys.back() += pointer[++i] == '1' ? '/' : '~';
    } else if (!keys.empty()) {
      keys.back() += pointer[i];
    }
  }
  return keys;
}

std::string display_path(std::string_view pointer) {
  std::string out;
  for (const std::string& key : split_pointer(pointer)) {
    const bool number = !key.empty() && std::all_of(key.begin(), key.end(),
                                                    [](char c) { return c >= '0' && c <= '9'; });
    const bool plain = !key.empty() && key.find_first_of(".[]/\" ") == std::string::npos;
    if (number)
      out += "[" + key + "]";
    else if (plain)
      out += (out.empty() ? "" : ".") + key;
    else
      out += "[\"" + key + "\"]";
  }
  return out;
}

}  // namespace muster::config
