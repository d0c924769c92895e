#include "adapters/process/output_ring.hpp"

#include <algorithm>
#include <cstring>

namespace muster {

void OutputRing::add(std::string_view bytes) {
  total_ += bytes.size();
  if (capacity_ == 0) return;
  if (bytes.size() >= capacity_) {
    data_.assign(bytes.substr(bytes.size() - capacity_));
    next_ = 0;
    return;
  }
  const auto room = std::min(bytes.size(), capacity_ - data_.size());
  data_.append(bytes.substr(0, room));
  bytes.remove_prefix(room);
  while (!bytes.empty()) {
    const auto count = std::min(bytes.size(), capacity_ - next_);
    std::memcpy(data_.data() + next_, bytes.data(), count);
    next_ = (next_ + count) % capacity_;
    bytes.remove_prefix(count);
  }
}

std::string OutputRing::tail(std::size_t max_bytes) const {
  const auto count = std::min(max_bytes, data_.size());
  std::string out;
  out.reserve(count);
  // Before the ring is full next_ is 0, and the whole of data_ is "after" it.
  const auto newer = std::min(count, next_);
  out.append(data_, data_.size() - (count - newer), count - newer);
  out.append(data_, next_ - newer, newer);
  return out;
}

}  // namespace muster
