#pragma once
// Small helpers of the store's tests.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include "runtime/ports/store.hpp"

namespace muster::test {

/// A folder that goes with the object.
class TempFolder {
 public:
  TempFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "muster-store-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline NewRecord event(std::string row) { return {"event", "", std::move(row), ""}; }

/// Appends and waits for the acknowledgement.
inline Result<std::uint64_t> append(Store& store, const std::string& mission,
                                    std::vector<NewRecord> records) {
  std::promise<Result<std::uint64_t>> done;
  auto result = done.get_future();
  store.append(mission, std::move(records),
               [&done](Result<std::uint64_t> outcome) { done.set_value(std::move(outcome)); });
  return result.get();
}

/// Turns all bits of one byte.
inline void flip_byte(const std::string& file, std::uintmax_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  auto byte = static_cast<char>(~stream.get());
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(byte);
}

}  // namespace muster::test
