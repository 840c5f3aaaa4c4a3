#include "store/remarks.hpp"

#include <mutex>
#include <utility>

namespace etalon {
namespace {

std::mutex mutex;
RemarkObserver& observer() {
  static RemarkObserver instance;
  return instance;
}

}  // namespace

void tell_remarks_to(RemarkObserver told) {
  const std::lock_guard lock(mutex);
  observer() = std::move(told);
}

void remark(const std::string& text) {
  const std::lock_guard lock(mutex);
  if (observer()) observer()(text);
}

}  // namespace etalon
