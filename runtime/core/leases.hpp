#pragma once
// One file has one writer. Leases are granted all at once, first come first served, so there is no
// deadlock and no starvation.

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster {

/// Who may write which file. A waiter gets all its files or none; it is passed over only by
/// requests that do not touch its files.
class LeaseTable {
 public:
  /// Queues a request for all `files`. A holder or waiter of that name must not exist.
  void request(const std::string& holder, std::vector<std::string> files);
  /// Grants what can be granted, in the order of the queue, at most `max_new`; returns the new
  /// holders.
  std::vector<std::string> grant(std::size_t max_new);
  /// Adds files to a holder's lease, if nobody holds them or waits for them; all or nothing.
  /// Returns who stands in the way.
  std::optional<std::string> extend(const std::string& holder,
                                    const std::vector<std::string>& files);
  /// Gives up everything that `holder` has or waits for.
  void release(const std::string& holder);

  [[nodiscard]] bool holds(const std::string& holder) const { return held_.contains(holder); }
  /// The holder of a file, or nullopt.
  [[nodiscard]] std::optional<std::string> holder_of(const std::string& file) const;
  [[nodiscard]] const std::map<std::string, std::vector<std::string>>& held() const {
    return held_;
  }
  [[nodiscard]] const std::vector<std::pair<std::string, std::vector<std::string>>>& waiting()
      const {
    return waiting_;
  }
  bool operator==(const LeaseTable&) const = default;
  /// The table that had this in held() and waiting().
  static LeaseTable restored(std::map<std::string, std::vector<std::string>> held,
                             std::vector<std::pair<std::string, std::vector<std::string>>> waiting);

 private:
  std::map<std::string, std::vector<std::string>> held_;  // holder -> its files, sorted
  std::map<std::string, std::string> owner_;              // file -> holder
  std::vector<std::pair<std::string, std::vector<std::string>>> waiting_;  // first come first
};

}  // namespace muster
