#include "report_subject.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "ledger/ledger.hpp"
#include "ledger_json.hpp"
#include "store/file.hpp"
#include "store/inspect_file.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Without those of which another one shows the images.
std::vector<std::string> without_pieces(const std::vector<std::string>& series) {
  std::set<std::string> pieces;
  for (const std::string& file : series) {
    const auto reader = open_series(file);
    if (!reader.ok()) continue;  // whoever looks at it says why
    for (const std::string& name : (*reader)->files())
      if (name != file) pieces.insert(fs::path(name).lexically_normal().string());
  }
  std::vector<std::string> left;
  for (const std::string& file : series)
    if (!pieces.contains(fs::path(file).lexically_normal().string())) left.push_back(file);
  return left;
}

// The series of a run's folder: the only HDF5 file that is no powder, with its pieces.
Result<std::string> series_of(const std::string& run) {
  std::error_code failed;
  if (!fs::is_directory(run, failed)) return run;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(run, failed)) {
    const std::string name = entry.path().filename().string();
    // A pipe would be waited for.
    if (name.ends_with(".h5") && !name.ends_with(".powder.h5") && entry.is_regular_file(failed))
      found.push_back(entry.path().string());
  }
  if (found.size() > 1) found = without_pieces(found);
  if (found.size() == 1) return found[0];
  std::sort(found.begin(), found.end());
  std::string names;
  for (const std::string& name : found) names += (names.empty() ? ": " : ", ") + name;
  return Error{found.empty() ? Errc::missing : Errc::usage,
               run + ": holds " + std::to_string(found.size()) + " series" + names +
                   (found.empty() ? "" : ": name one")};
}

Result<std::string> ledger_of(const std::string& given, const std::string& file) {
  if (!given.empty()) return given;
  if (const char* set = std::getenv("ETALON_LEDGER"); set != nullptr && *set != '\0')
    return std::string(set);
  std::error_code failed;
  const fs::path beside = fs::path(file).parent_path() / "ledger.db";
  if (!fs::exists(beside, failed)) return std::string();
  if (!fs::is_regular_file(beside, failed))
    return Error{Errc::malformed, beside.string() + ": is no file, and so no ledger"};
  return beside.string();
}

Result<void> ask_ledger(ReportSubject& subject) {
  ETALON_ASSIGN(const Ledger ledger, Ledger::open(subject.ledger, true));
  ETALON_ASSIGN(const auto producers, ledger.producers(subject.hash));
  subject.is_known = !producers.empty();
  if (!subject.is_known) return {};
  ETALON_ASSIGN(const auto line, ledger.lineage(subject.hash));
  for (const Hash& id : line) {
    ETALON_ASSIGN(Json record, record_json(ledger, id));
    subject.records.push_back(std::move(record));
  }
  std::vector<Hash> next = {subject.hash, producers.front()};
  for (std::size_t i = 0; i < next.size() && next.size() < 64; ++i) {
    ETALON_ASSIGN(const auto users, ledger.consumers(next[i]));
    for (const Hash& id : users) {
      if (std::find(next.begin(), next.end(), id) != next.end()) continue;
      next.push_back(id);
      ETALON_ASSIGN(Json record, record_json(ledger, id));
      subject.after.push_back(std::move(record));
    }
  }
  return {};
}

}  // namespace

Result<ReportSubject> find_subject(const std::string& run, const std::string& ledger) {
  ReportSubject subject;
  ETALON_ASSIGN(subject.file, series_of(run));
  ETALON_ASSIGN(subject.summary, summarize_series(subject.file));
  ETALON_ASSIGN(subject.stream, inspect_file(subject.file));
  ETALON_ASSIGN(subject.hash, sha256_file(subject.file));
  ETALON_ASSIGN(subject.ledger, ledger_of(ledger, subject.file));
  if (!subject.ledger.empty()) ETALON_TRY(ask_ledger(subject));
  return subject;
}

}  // namespace etalon::cli
