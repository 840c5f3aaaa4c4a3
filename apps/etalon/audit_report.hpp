// What is said of an audit, and the option that asks for a limit.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli.hpp"
#include "pipeline/veto.hpp"

namespace etalon::cli {

nlohmann::json audit_json(const AuditSummary& audit);
std::string audit_text(const AuditSummary& audit);

// --audit-limit 0.5% or 0.005.
void add_audit_limit(Command* command, std::optional<double>& limit);

}  // namespace etalon::cli
