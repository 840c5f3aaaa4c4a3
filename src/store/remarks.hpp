// What readers have to say of files that they read all the same.
#pragma once

#include <functional>
#include <string>

namespace etalon {

// "FILE: place: what is wrong with it: what is done about it". Called by any thread, one at a time.
using RemarkObserver = std::function<void(const std::string&)>;

// Who is told in this process; nobody at first. The same remark is made as often as its file is
// opened. Not to be set while files are read.
void tell_remarks_to(RemarkObserver observer);

void remark(const std::string& text);

}  // namespace etalon
