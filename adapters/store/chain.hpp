#pragma once
// How the rows of a journal hold together: each one's hash covers itself and the hash before it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/store/database.hpp"
#include "adapters/store/segment.hpp"
#include "runtime/core/result.hpp"

namespace muster::store {

/// A row as it is stored. `row_bytes` of the payload's front are the row itself, when it was too
/// long. The views belong to whoever made it.
struct Row {
  std::uint64_t seq = 0;
  std::int64_t at_ms = 0;
  std::string_view kind, key, row;
  std::uint64_t row_bytes = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::string_view digest;  ///< of the payload; empty without one

  [[nodiscard]] bool has_body() const { return length != 0 || !digest.empty(); }
};

/// The columns that row_of() expects, in order; the chain's link is the tenth.
inline constexpr const char* row_columns =
    "seq, at_ms, kind, key, row, row_bytes, offset, length, digest, chain";
inline constexpr int chain_column = 9;
/// The row under the statement; its views last until the next step.
Row row_of(const Statement& rows);

/// What a journal says about itself.
struct Meta {
  std::int64_t version = 0;
  std::int64_t created_at_ms = 0;
};
/// nullopt: there is no schema, so nothing was ever acknowledged by this file.
Result<std::optional<Meta>> read_meta(Database& database);

/// The link before the first row.
Hash first_link(const std::string& mission, const Meta& meta);
/// Makes links; keeps its buffer between them.
class Linker {
 public:
  Hash operator()(const Hash& before, const Row& row);

 private:
  std::string bytes_;
};

std::string_view view(const Hash& hash);
Hash hash_of(std::string_view bytes);
/// nullopt when it has the wrong size.
std::optional<Hash> hash_from(std::string_view bytes);

/// Says what is wrong with which record of which mission.
Error corrupt(const std::string& mission, std::uint64_t seq, const std::string& what);
/// Errors below the journal that mean "not as it was written" get the mission's name.
Error named(const Error& error, const std::string& mission, std::uint64_t seq);

}  // namespace muster::store
