#include "runtime/core/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace muster {
namespace {

using std::chrono::milliseconds;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

milliseconds bounded(double ms) {
  const auto limit = static_cast<double>(max_retry_after.count());
  return milliseconds{static_cast<std::int64_t>(std::ceil(std::clamp(ms, 0.0, limit)))};
}

/// Takes a plain decimal number ("12", "1.5", no sign, no exponent) off the front.
std::optional<double> take_number(std::string_view& text) {
  std::size_t length = 0;
  bool dot = false;
  for (; length < text.size(); ++length) {
    if (text[length] == '.' && !dot && length > 0) {
      dot = true;
    } else if (!is_digit(text[length])) {
      break;
    }
  }
  if (length == 0) return std::nullopt;
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + length, number, std::chars_format::fixed);
  // A number too large for a double is still a number: a very long wait.
  if (error == std::errc::result_out_of_range)
    number = 1e18;
  else if (error != std::errc{} || end == text.data())
    return std::nullopt;
  text.remove_prefix(length);
  return number;
}

/// Milliseconds in the unit at the front of `text`, which is taken off; nullopt when it is none.
std::optional<double> take_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    double ms;
  };
  static constexpr std::array<Unit, 4> units{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  for (const Unit& unit : units) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.ms;
  }
  return std::nullopt;
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  const auto first = take_number(text);
  if (!first) return std::nullopt;
  if (text.empty()) return bounded(*first * 1000);
  auto number = first;
  double total = 0;
  while (true) {
    const auto unit = take_unit(text);
    if (!unit) return std::nullopt;
    total += *number * *unit;
    if (text.empty()) return bounded(total);
    number = take_number(text);
    if (!number) return std::nullopt;
  }
}

/// Up to eight words of a date, split at blanks, commas, dashes and colons: enough for all three
/// forms.
struct Words {
  std::array<std::string_view, 8> word;
  std::size_t count = 0;
};

std::optional<Words> split_date(std::string_view text) {
  Words words;
  while (true) {
    const auto begin = text.find_first_not_of(" ,-:");
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    if (words.count == words.word.size()) return std::nullopt;
    const auto end = std::min(text.find_first_of(" ,-:"), text.size());
    words.word[words.count++] = text.substr(0, end);
    text.remove_prefix(end);
  }
}

std::optional<int> small_number(std::string_view text, int low, int high) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (number < low || number > high) return std::nullopt;
  return number;
}

std::optional<unsigned> month_number(std::string_view name) {
  static constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* const found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin()) + 1;
}

/// Two-digit years (RFC 850) mean 1970 to 2069.
std::optional<int> year_number(std::string_view text) {
  const auto year = small_number(text, 0, 9999);
  if (!year || text.size() > 2) return year;
  return *year < 70 ? *year + 2000 : *year + 1900;
}

/// Milliseconds since the epoch of "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37
/// GMT" or "Sun Nov  6 08:49:37 1994".
std::optional<std::int64_t> parse_http_date(std::string_view text) {
  const auto words = split_date(text);
  if (!words) return std::nullopt;
  const auto& word = words->word;
  const bool asctime = words->count == 7 && month_number(word[1]).has_value();
  if (!asctime && (words->count != 8 || (word[7] != "GMT" && word[7] != "UTC")))
    return std::nullopt;
  const auto month = month_number(asctime ? word[1] : word[2]);
  const auto day = small_number(asctime ? word[2] : word[1], 1, 31);
  const auto year = year_number(asctime ? word[6] : word[3]);
  const std::size_t clock = asctime ? 3 : 4;
  const auto hour = small_number(word[clock], 0, 23);
  const auto minute = small_number(word[clock + 1], 0, 59);
  const auto second = small_number(word[clock + 2], 0, 60);
  if (!month || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{*month},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute) * 60'000 + *second * 1000;
}

}  // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, std::int64_t now_ms) {
  const auto text = trim(value);
  if (const auto wait = parse_duration(text)) return wait;
  const auto at = parse_http_date(text);
  if (!at) return std::nullopt;
  return std::clamp(milliseconds{*at - now_ms}, milliseconds{0}, max_retry_after);
}

std::optional<milliseconds> parse_retry_after_ms(std::string_view value) {
  auto text = trim(value);
  const auto number = take_number(text);
  if (!number || !text.empty()) return std::nullopt;
  return bounded(*number);
}

}  // namespace muster
