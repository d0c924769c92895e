#include "adapters/store/chain.hpp"

#include <algorithm>

#include "runtime/core/sha256.hpp"

namespace muster::store {
namespace {

void add_number(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void add_text(std::string& out, std::string_view text) {
  add_number(out, text.size());
  out += text;
}

}  // namespace

std::string_view view(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

Hash hash_of(std::string_view bytes) {
  Sha256 sha;
  sha.update(bytes);
  return sha.digest();
}

std::optional<Hash> hash_from(std::string_view bytes) {
  Hash out{};
  if (bytes.size() != out.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

Row row_of(const Statement& rows) {
  return {static_cast<std::uint64_t>(rows.integer(0)),
          rows.integer(1),
          rows.view(2),
          rows.view(3),
          rows.view(4),
          static_cast<std::uint64_t>(rows.integer(5)),
          static_cast<std::uint64_t>(rows.integer(6)),
          static_cast<std::uint64_t>(rows.integer(7)),
          rows.view(8)};
}

Result<std::optional<Meta>> read_meta(Database& database) {
  auto table = database.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'");
  if (!table.ok()) return table.error();
  auto counted = table->step();
  if (!counted.ok()) return counted.error();
  if (table->integer(0) == 0) return std::optional<Meta>{};
  auto rows = database.prepare("SELECT schema_version, created_at_ms FROM meta");
  if (!rows.ok()) return rows.error();
  auto row = rows->step();
  if (!row.ok()) return row.error();
  if (!*row) return std::optional<Meta>{};
  return std::optional<Meta>{Meta{rows->integer(0), rows->integer(1)}};
}

Hash Linker::operator()(const Hash& before, const Row& row) {
  bytes_.assign(view(before));
  add_number(bytes_, row.seq);
  add_number(bytes_, static_cast<std::uint64_t>(row.at_ms));
  for (auto text : {row.kind, row.key, row.row, row.digest}) add_text(bytes_, text);
  for (auto number : {row.row_bytes, row.offset, row.length}) add_number(bytes_, number);
  return hash_of(bytes_);
}

Hash first_link(const std::string& mission, const Meta& meta) {
  std::string bytes = "muster journal " + std::to_string(meta.version) + "\n";
  add_text(bytes, mission);
  add_number(bytes, static_cast<std::uint64_t>(meta.created_at_ms));
  return hash_of(bytes);
}

Error corrupt(const std::string& mission, std::uint64_t seq, const std::string& what) {
  return {ErrorCode::corrupt,
          "the journal is corrupt at record " + std::to_string(seq) + ": " + what,
          "mission " + mission};
}

Error named(const Error& error, const std::string& mission, std::uint64_t seq) {
  return error.code == ErrorCode::corrupt ? corrupt(mission, seq, error.text()) : error;
}

}  // namespace muster::store
