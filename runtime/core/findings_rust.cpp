// rustc and cargo test.

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

std::optional<Place> arrow_ahead(const OutputCursor& at) {
  for (std::size_t n = 1; n < 6; ++n)
    if (auto where = after_prefix(trim(at.ahead(n)), "--> ")) return place_of(*where);
  return std::nullopt;
}

/// "error[E0308]: mismatched types", "warning: unused variable: `x`", with "  --> src/a.rs:4:5"
/// below; without a code only the place tells them from what other tools say.
bool read_diagnostic(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  bool warning = line.starts_with("warning");
  if (!warning && !line.starts_with("error")) return false;
  auto rest = line.substr(warning ? 7 : 5);
  std::string code;
  if (auto close = rest.find(']'); rest.starts_with("[E") && close != std::string_view::npos) {
    code = std::string(bounded_head(rest.substr(1, close - 1), 20));
    rest.remove_prefix(close + 1);
  }
  if (!rest.starts_with(": ")) return false;
  auto place = arrow_ahead(at);
  if (code.empty() && !place) return false;
  auto out = make_finding("rustc", trim(rest.substr(2)), warning ? "warning" : "error");
  out.code = std::move(code);
  if (place) set_place(out, *place);
  found.add(std::move(out));
  return true;
}

/// "test tests::adds ... FAILED"
bool read_result(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  if (!line.starts_with("test ") || !line.ends_with("... FAILED")) return false;
  auto name = trim(line.substr(5, line.size() - 15));
  if (auto note = name.rfind(" - should panic"); note != std::string_view::npos)
    name = name.substr(0, note);
  auto out = make_finding("cargo", name);
  out.test = std::string(name);
  found.add(std::move(out));
  return true;
}

/// The message of a panic: behind it in quotes (before Rust 1.73), or in the lines below.
std::string panic_message(const OutputCursor& at, std::string_view& where) {
  if (where.starts_with('\'')) {
    auto close = where.rfind("', ");
    if (close == std::string_view::npos || close == 0) return {};
    auto message = std::string(where.substr(1, close - 1));
    where.remove_prefix(close + 3);
    return message;
  }
  if (where.ends_with(':')) where.remove_suffix(1);
  std::string out;
  for (std::size_t n = 1; n < 5; ++n) {
    auto text = trim(at.ahead(n));
    if (text.empty() || text.starts_with("note: ") || text.starts_with("stack backtrace")) break;
    out += (out.empty() ? "" : " ") + std::string(text);
  }
  return out;
}

/// "note: test did not panic as expected at src/lib.rs:22:8" below "---- tests::panics stdout
/// ----".
bool read_no_panic(OutputCursor& at, FindingSink& found) {
  auto line = at.line();
  if (line.starts_with("---- ") && line.ends_with(" stdout ----") && line.size() > 17)
    at.test = line.substr(5, line.size() - 17);
  auto rest = after_prefix(line, "note: test did not panic as expected");
  if (!rest || at.test.empty()) return false;
  auto out = make_finding("cargo", "test did not panic as expected");
  out.test = std::string(at.test);
  if (auto where = after_prefix(*rest, "at "))
    if (auto place = place_of(*where)) set_place(out, *place);
  found.add(std::move(out));
  return true;
}

/// "thread 'tests::adds' panicked at src/lib.rs:10:9:", newer with an id behind the name.
bool read_panic(OutputCursor& at, FindingSink& found) {
  auto rest = after_prefix(at.line(), "thread '");
  if (!rest) return false;
  auto word = rest->find(" panicked at ");
  auto close = rest->find('\'');
  if (word == std::string_view::npos || close > word) return false;
  auto test = rest->substr(0, close);
  auto where = rest->substr(word + 13);
  auto message = panic_message(at, where);
  auto out = make_finding("cargo", message.empty() ? "panicked" : message);
  if (test != "main") out.test = std::string(test);
  if (auto place = place_of(where)) set_place(out, *place);
  found.add(std::move(out));
  return true;
}

}  // namespace

bool read_rust(OutputCursor& at, FindingSink& found) {
  return read_diagnostic(at, found) || read_result(at, found) || read_no_panic(at, found) ||
         read_panic(at, found);
}

}  // namespace muster
