#include "pipeline/collect_journal.hpp"

#include <filesystem>

namespace etalon {

Result<std::uint64_t> CollectJournal::replay(
    const std::function<Result<void>(const Message&)>& take) {
  std::error_code unknown;
  if (!std::filesystem::exists(path_, unknown)) return std::uint64_t{0};
  ETALON_ASSIGN(journal_, Journal::open(path_));
  for (std::uint64_t messages = 0;; ++messages) {
    ETALON_ASSIGN(const auto entry, journal_->read());
    if (!entry) {
      ETALON_TRY(journal_->sync());
      return messages;
    }
    auto taken = [&]() -> Result<void> {
      ETALON_ASSIGN(const Message message, decode_message(*entry));
      if (std::holds_alternative<Hello>(message.body) != (messages == 0) ||
          message.sequence != messages)
        return Error{Errc::malformed, "not the next one of its run"};
      return take(message);
    }();
    if (!taken.ok())
      return std::move(taken).error().in(path_ + ": message " + std::to_string(messages));
  }
}

Result<void> CollectJournal::append(ByteSpan message) {
  if (!journal_) {
    ETALON_ASSIGN(journal_, Journal::open(path_));
  }
  return journal_->append(message);
}

Result<void> CollectJournal::sync() { return journal_ ? journal_->sync() : Result<void>(); }

void CollectJournal::remove() {
  if (journal_) journal_->remove();
}

}  // namespace etalon
