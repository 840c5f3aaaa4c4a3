#include "note_remarks.hpp"

#include <set>

#include "cli.hpp"
#include "store/remarks.hpp"

namespace etalon::cli {

void note_remarks(const std::string& program) {
  tell_remarks_to([program, said = std::set<std::string>()](const std::string& remark) mutable {
    constexpr std::size_t most = 1000;
    if (said.size() < most && said.insert(remark).second) note(program + ": " + remark);
  });
}

}  // namespace etalon::cli
