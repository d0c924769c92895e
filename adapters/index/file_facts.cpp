#include "adapters/index/file_facts.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace muster::index {
namespace {

constexpr std::array<std::string_view, 11> kKinds{"function", "method",    "class",  "struct",
                                                  "enum",     "interface", "type",   "module",
                                                  "constant", "macro",     "heading"};
constexpr int kLastForm = static_cast<int>(ImportForm::html);

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out_ += static_cast<char>((value & 0x7fU) | 0x80U);
    out_ += static_cast<char>(value);
  }
  void text(std::string_view value) {
    number(value.size());
    out_ += value;
  }
  void fixed(std::uint64_t value) {
    for (int i = 0; i < 8; ++i, value >>= 8U) out_ += static_cast<char>(value & 0xffU);
  }

 private:
  std::string& out_;
};

/// Reads what a Writer wrote; past the end everything is 0 and ok() false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    rest_ = {};
    return 0;
  }
  int small() {
    const auto value = number();
    ok_ = ok_ && value <= 0x7fffffffU;
    return ok_ ? static_cast<int>(value) : 0;
  }
  /// A number of things that take at least a byte each.
  std::size_t count() {
    const auto value = number();
    ok_ = ok_ && value <= rest_.size();
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }
  std::string_view text() {
    const auto size = count();
    const auto out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

Error corrupt() { return {ErrorCode::corrupt, "the index holds what it did not write"}; }

std::uint64_t fixed_at(std::string_view bytes, std::size_t index) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;)
    value = (value << 8U) | static_cast<unsigned char>(bytes[8 * index + i]);
  return value;
}

/// The ids, and what follows them.
struct NameTable {
  std::size_t size = 0;
  std::string_view ids;
  std::string_view counts;

  /// size when it is not there.
  [[nodiscard]] std::size_t find(std::uint64_t name) const {
    std::size_t low = 0;
    for (std::size_t high = size; low < high;) {
      const auto middle = low + (high - low) / 2;
      if (fixed_at(ids, middle) < name)
        low = middle + 1;
      else
        high = middle;
    }
    return low < size && fixed_at(ids, low) == name ? low : size;
  }
};

bool read_table(std::string_view bytes, NameTable& out) {
  Reader reader(bytes);
  out.size = reader.count();
  if (!reader.ok() || reader.rest().size() / 8 < out.size) return false;
  out.ids = reader.rest().substr(0, 8 * out.size);
  out.counts = reader.rest().substr(8 * out.size);
  return true;
}

void pack_symbols(const std::vector<FactSymbol>& symbols, std::string& out) {
  Writer to(out);
  to.number(symbols.size());
  for (const auto& symbol : symbols) {
    const auto kind = std::find(kKinds.begin(), kKinds.end(), symbol.kind) - kKinds.begin();
    to.number(static_cast<std::uint64_t>(kind) % kKinds.size());
    to.text(symbol.path);
    to.number(symbol.name.size());
    // Most signatures are one name and its surroundings: zstd would halve them, and cost more than
    // reading them.
    to.text(symbol.signature);
    to.number(static_cast<std::uint64_t>(symbol.line));
    to.number(static_cast<std::uint64_t>(symbol.end_line - symbol.line));
    to.number(symbol.begin);
    to.number(symbol.end - symbol.begin);
    to.number(static_cast<std::uint64_t>(symbol.depth));
  }
}

void pack_uses(const std::vector<NameUse>& uses, PackedFacts& out) {
  std::vector<NameCount> names;
  Writer places(out.places);
  std::uint32_t last = 0;
  for (const auto& use : uses) {
    if (names.empty() || names.back().name != use.name) {
      names.push_back({use.name, 0});
      last = 0;
    }
    ++names.back().count;
    places.number(use.offset - last);
    last = use.offset;
  }
  Writer to(out.names);
  to.number(names.size());
  for (const auto& name : names) to.fixed(name.name);
  for (const auto& name : names) to.number(name.count);
}

void pack_imports(const std::vector<Import>& imports, std::string& out) {
  Writer to(out);
  to.number(imports.size());
  for (const auto& import : imports) {
    to.number(static_cast<std::uint64_t>(import.form));
    to.text(import.target);
    to.number(static_cast<std::uint64_t>(import.line));
    to.number(import.guarded ? 1 : 0);
    to.number(import.names.size());
    for (const auto& name : import.names) to.text(name);
  }
}

FactSymbol read_symbol(Reader& from) {
  FactSymbol out;
  out.kind = kKinds[static_cast<std::size_t>(from.small()) % kKinds.size()];
  out.path = from.text();
  const auto name = from.number();
  out.name = out.path.substr(out.path.size() - std::min<std::uint64_t>(name, out.path.size()));
  out.signature = from.text();
  out.line = from.small();
  out.end_line = out.line + from.small();
  out.begin = static_cast<std::size_t>(from.number());
  out.end = out.begin + static_cast<std::size_t>(from.number());
  out.depth = from.small();
  return out;
}

}  // namespace

PackedFacts pack(const FileFacts& facts) {
  PackedFacts out;
  pack_symbols(facts.symbols, out.symbols);
  pack_uses(facts.uses, out);
  pack_imports(facts.imports, out.imports);
  return out;
}

Result<std::vector<FactSymbol>> unpack_symbols(std::string_view bytes) {
  Reader from(bytes);
  std::vector<FactSymbol> out(from.count());
  for (auto& symbol : out) symbol = read_symbol(from);
  if (!from.ok()) return corrupt();
  return out;
}

Result<std::vector<Import>> unpack_imports(std::string_view bytes) {
  Reader from(bytes);
  std::vector<Import> out(from.count());
  for (auto& import : out) {
    const auto form = from.small();
    if (form > kLastForm) return corrupt();
    import.form = static_cast<ImportForm>(form);
    import.target = from.text();
    import.line = from.small();
    import.guarded = from.number() != 0;
    import.names.resize(from.count());
    for (auto& name : import.names) name = from.text();
  }
  if (!from.ok()) return corrupt();
  return out;
}

Result<std::vector<NameCount>> unpack_names(std::string_view bytes) {
  NameTable table;
  if (!read_table(bytes, table)) return corrupt();
  std::vector<NameCount> out(table.size);
  Reader counts(table.counts);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = {fixed_at(table.ids, i), static_cast<std::uint32_t>(counts.small())};
  if (!counts.ok()) return corrupt();
  return out;
}

bool has_name(std::string_view names, std::uint64_t name) {
  NameTable table;
  return read_table(names, table) && table.find(name) < table.size;
}

Result<std::vector<std::uint32_t>> unpack_places(std::string_view names, std::string_view places,
                                                 std::uint64_t name) {
  NameTable table;
  if (!read_table(names, table)) return corrupt();
  const auto index = table.find(name);
  std::vector<std::uint32_t> out;
  if (index == table.size) return out;
  Reader counts(table.counts);
  Reader from(places);
  for (std::size_t i = 0; i < index; ++i)
    for (auto count = counts.small(); count > 0 && from.ok(); --count) from.number();
  std::uint32_t last = 0;
  for (auto count = counts.small(); count > 0 && from.ok(); --count) {
    last += static_cast<std::uint32_t>(from.small());
    out.push_back(last);
  }
  if (!from.ok() || !counts.ok()) return corrupt();
  return out;
}

}  // namespace muster::index
