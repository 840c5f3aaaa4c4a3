// The ledger's tables in PostgreSQL, as formats/ledger.md writes them down, and how a schema
// becomes a ledger.
#include <charconv>

#include "ledger/parents.hpp"
#include "ledger/postgres.hpp"
#include "ledger/postgres_session.hpp"

namespace etalon::postgres {
namespace {

// Text is kept as bytes: paths and names of people and machines need not be UTF-8. A path may be
// too long for a tree, hence the hash index.
constexpr const char* tables_sql[] = {
    "CREATE TABLE record(seq bigint PRIMARY KEY, id bytea NOT NULL UNIQUE CHECK(length(id) = 32), "
    "cbor bytea NOT NULL)",
    "CREATE TABLE artifact(record bigint NOT NULL REFERENCES record(seq), side smallint NOT NULL "
    "CHECK(side IN (0, 1)), position integer NOT NULL, role bytea NOT NULL, hash bytea NOT NULL "
    "CHECK(length(hash) = 32), PRIMARY KEY(record, side, position))",
    "CREATE TABLE event(seq bigint PRIMARY KEY, record bigint NOT NULL REFERENCES record(seq), "
    "time bytea NOT NULL, host bytea NOT NULL, \"user\" bytea NOT NULL, process bigint NOT NULL, "
    "hash bytea NOT NULL CHECK(length(hash) = 32))",
    "CREATE TABLE place(event bigint NOT NULL REFERENCES event(seq), side smallint NOT NULL "
    "CHECK(side IN (0, 1)), position integer NOT NULL, path bytea NOT NULL, "
    "PRIMARY KEY(event, side, position))",
    "CREATE INDEX artifact_hash ON artifact(hash, side, record)",
    "CREATE INDEX event_record ON event(record, seq)",
    "CREATE INDEX place_path ON place USING hash(path)",
    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RAISE EXCEPTION ''the ledger is append-only''; END'",
};
constexpr const char* table_names[] = {"record", "artifact", "event", "place"};

// Record after record: asked for many at once, the server reads whole tables where it takes them to
// be small.
#define ETALON_LINK_UP_SQL                                                       \
  "DECLARE added_record bigint; "                                                \
  "BEGIN FOR added_record IN SELECT DISTINCT record FROM added ORDER BY record " \
  "LOOP " ETALON_LINK_SQL("added_record") "; END LOOP; RETURN NULL; END"

// What a ledger of version 1 lacks. Keys come after the rows, and others may do with the new table
// what they may do with the old ones.
constexpr const char* links_sql[] = {
    "CREATE TABLE link(child bigint NOT NULL, parent bigint NOT NULL)",
    "SET LOCAL enable_hashjoin = on",
    "INSERT INTO link " ETALON_ALL_PARENTS_SQL,
    "SET LOCAL enable_hashjoin = off",
    "ALTER TABLE link ADD PRIMARY KEY(child, parent), ADD FOREIGN KEY(child) REFERENCES "
    "record(seq), ADD FOREIGN KEY(parent) REFERENCES record(seq)",
    "CREATE FUNCTION link_up() RETURNS trigger LANGUAGE plpgsql SET search_path = etalon, pg_temp "
    "SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off "
    "SET enable_mergejoin = off SET join_collapse_limit = 1 AS $$" ETALON_LINK_UP_SQL "$$",
    "CREATE TRIGGER event_link AFTER INSERT ON event REFERENCING NEW TABLE AS added FOR EACH "
    "STATEMENT EXECUTE FUNCTION link_up()",
    "DO $$ DECLARE g record; BEGIN FOR g IN SELECT privilege_type AS what, "
    "CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS who "
    "FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = 'artifact'::regclass AND "
    "grantee <> relowner AND privilege_type IN ('SELECT', 'INSERT') "
    "LOOP EXECUTE format('GRANT %s ON link TO %s', g.what, g.who); END LOOP; END $$",
};

// What stands in the schema, one row a part; by which objects, with names that no two of them
// share. What belongs to a constraint is said by the constraint.
constexpr const char* parts_sql = R"(
WITH here(oid) AS (SELECT 'etalon'::regnamespace::oid),
  relation AS (SELECT c.* FROM pg_class c JOIN here ON c.relnamespace = here.oid)
SELECT relname::text, relkind::text || relpersistence::text ||
    CASE WHEN relhasrules OR relrowsecurity THEN ' ruled (' ELSE ' (' END ||
    (SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) ||
        CASE WHEN attnotnull THEN ' not null' ELSE '' END ||
        CASE WHEN atthasdef THEN ' default' ELSE '' END, ', ' ORDER BY attnum)
      FROM pg_attribute WHERE attrelid = relation.oid AND attnum > 0) || ')'
  FROM relation WHERE relkind NOT IN ('i', 'I')
UNION ALL SELECT relname::text, pg_get_indexdef(i.indexrelid) ||
    CASE WHEN i.indisvalid AND i.indisready THEN '' ELSE ' (not valid)' END
  FROM relation JOIN pg_index i ON i.indexrelid = relation.oid
  WHERE NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = relation.oid AND contype IN ('p', 'u'))
UNION ALL SELECT conname::text, pg_get_constraintdef(k.oid) ||
    CASE WHEN convalidated THEN '' ELSE ' (not valid)' END
  FROM pg_constraint k JOIN relation ON relation.oid = k.conrelid WHERE contype NOT IN ('n', 't')
UNION ALL SELECT tgname::text, pg_get_triggerdef(t.oid) || ' ' || tgenabled::text
  FROM pg_trigger t JOIN relation ON relation.oid = t.tgrelid WHERE NOT tgisinternal
UNION ALL SELECT proname::text || '()', prosrc || coalesce(' ' || proconfig::text, '') FROM pg_proc JOIN here ON pronamespace = here.oid
)";

// The same of a schema as we make it.
std::vector<Part> parts(std::int64_t of_version) {
  std::vector<Part> all = {
      {"artifact",
       "rp (record bigint not null, side smallint not null, position integer not null, role bytea "
       "not null, hash bytea not null)"},
      {"artifact_hash",
       "CREATE INDEX artifact_hash ON etalon.artifact USING btree (hash, side, record)"},
      {"artifact_hash_check", "CHECK ((length(hash) = 32))"},
      {"artifact_keep",
       "CREATE TRIGGER artifact_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON etalon.artifact FOR "
       "EACH STATEMENT EXECUTE FUNCTION keep() A"},
      {"artifact_pkey", "PRIMARY KEY (record, side, \"position\")"},
      {"artifact_record_fkey", "FOREIGN KEY (record) REFERENCES record(seq)"},
      {"artifact_side_check", "CHECK ((side = ANY (ARRAY[0, 1])))"},
      {"event",
       "rp (seq bigint not null, record bigint not null, time bytea not null, host bytea not null, "
       "user bytea not null, process bigint not null, hash bytea not null)"},
      {"event_hash_check", "CHECK ((length(hash) = 32))"},
      {"event_keep",
       "CREATE TRIGGER event_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON etalon.event FOR EACH "
       "STATEMENT EXECUTE FUNCTION keep() A"},
      {"event_pkey", "PRIMARY KEY (seq)"},
      {"event_record", "CREATE INDEX event_record ON etalon.event USING btree (record, seq)"},
      {"event_record_fkey", "FOREIGN KEY (record) REFERENCES record(seq)"},
      {"keep()", "BEGIN RAISE EXCEPTION 'the ledger is append-only'; END"},
      {"place",
       "rp (event bigint not null, side smallint not null, position integer not null, path bytea "
       "not null)"},
      {"place_event_fkey", "FOREIGN KEY (event) REFERENCES event(seq)"},
      {"place_keep",
       "CREATE TRIGGER place_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON etalon.place FOR EACH "
       "STATEMENT EXECUTE FUNCTION keep() A"},
      {"place_path", "CREATE INDEX place_path ON etalon.place USING hash (path)"},
      {"place_pkey", "PRIMARY KEY (event, side, \"position\")"},
      {"place_side_check", "CHECK ((side = ANY (ARRAY[0, 1])))"},
      {"record", "rp (seq bigint not null, id bytea not null, cbor bytea not null)"},
      {"record_id_check", "CHECK ((length(id) = 32))"},
      {"record_id_key", "UNIQUE (id)"},
      {"record_keep",
       "CREATE TRIGGER record_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON etalon.record FOR EACH "
       "STATEMENT EXECUTE FUNCTION keep() A"},
      {"record_pkey", "PRIMARY KEY (seq)"},
  };
  if (of_version < version_with_links) return all;
  const std::vector<Part> links = {
      {"event_link",
       "CREATE TRIGGER event_link AFTER INSERT ON etalon.event REFERENCING NEW TABLE AS added FOR "
       "EACH STATEMENT EXECUTE FUNCTION link_up() O"},
      {"link", "rp (child bigint not null, parent bigint not null)"},
      {"link_child_fkey", "FOREIGN KEY (child) REFERENCES record(seq)"},
      {"link_keep",
       "CREATE TRIGGER link_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON etalon.link FOR EACH "
       "STATEMENT EXECUTE FUNCTION keep() A"},
      {"link_parent_fkey", "FOREIGN KEY (parent) REFERENCES record(seq)"},
      {"link_pkey", "PRIMARY KEY (child, parent)"},
      {"link_up()", ETALON_LINK_UP_SQL
       " {\"search_path=etalon, pg_temp\",plan_cache_mode=force_generic_plan,enable_seqscan=off,"
       "enable_hashjoin=off,enable_mergejoin=off,join_collapse_limit=1}"},
  };
  all.insert(all.end(), links.begin(), links.end());
  return all;
}

struct State {
  bool there = false, usable = false, ours = false;
  std::int64_t parts = 0;
  std::string comment;
};

std::int64_t number(std::string_view text) {  // 0 where it is none
  std::int64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ptr == text.data() + text.size() ? value : 0;
}

Result<State> look(Session& session) {
  ETALON_ASSIGN(
      const pqxx::result rows,
      session.run("SELECT oid IS NOT NULL, coalesce(has_schema_privilege(oid, 'USAGE'), false), "
                  "(SELECT count(*) FROM pg_class WHERE relnamespace = n.oid), "
                  "coalesce(obj_description(oid, 'pg_namespace'), ''), coalesce((SELECT "
                  "pg_has_role(nspowner, 'USAGE') FROM pg_namespace s WHERE s.oid = n.oid), false) "
                  "FROM (SELECT to_regnamespace('etalon')::oid) AS n(oid)"));
  const auto text = [&](int column) { return std::string(rows[0][column].c_str()); };
  return State{text(0) == "t", text(1) == "t", text(4) == "t", number(text(2)), text(3)};
}

constexpr std::string_view comment_before_version = "Etalon ledger, version ";

std::int64_t version_in(const std::string& comment) {
  if (!comment.starts_with(comment_before_version)) return 0;
  const std::string text = comment.substr(comment_before_version.size());
  const std::int64_t stored = number(text);
  return std::to_string(stored) == text ? stored : 0;
}

Result<void> check(const Session& session, const State& state) {
  if (!state.usable)
    return session.fail(Errc::io, "permission denied for schema etalon: GRANT USAGE is needed");
  if (!state.comment.starts_with(comment_before_version))
    return session.fail(Errc::malformed,
                        "not a ledger: the schema etalon belongs to something else (its comment "
                        "does not say '" +
                            std::string(comment_before_version) + "..')");
  const std::int64_t stored = version_in(state.comment);
  if (stored < first_version || stored > version)
    return session.fail(Errc::malformed, "a ledger of version " +
                                             state.comment.substr(comment_before_version.size()) +
                                             "; this program knows 1 to " +
                                             std::to_string(version));
  return {};
}

bool is_blank(const State& state) {
  return !state.there || (state.parts == 0 && state.comment.empty());
}

Result<void> keep(Session& session, const std::string& table) {
  ETALON_TRY(session.run("CREATE TRIGGER " + table +
                         "_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON " + table +
                         " FOR EACH STATEMENT EXECUTE FUNCTION keep()"));
  ETALON_TRY(session.run("ALTER TABLE " + table + " ENABLE ALWAYS TRIGGER " + table + "_keep"));
  return {};
}

// From version 1 to this one.
Result<void> add_links(Session& session) {
  for (const char* sql : links_sql) ETALON_TRY(session.run(sql));
  ETALON_TRY(keep(session, "link"));
  ETALON_TRY(session.run("COMMENT ON SCHEMA etalon IS '" + std::string(comment_before_version) +
                         std::to_string(version) + "'"));
  return {};
}

Result<void> upgrade(Session& session) {
  ETALON_ASSIGN(Transaction transaction, Transaction::begin(session, Database::Access::write));
  ETALON_ASSIGN(const State state, look(session));  // another process may have been first
  if (version_in(state.comment) != first_version) return {};
  ETALON_TRY(add_links(session));
  return transaction.commit();
}

Result<void> create(Session& session) {
  ETALON_ASSIGN(Transaction transaction, Transaction::begin(session, Database::Access::write));
  ETALON_ASSIGN(const State state, look(session));  // another process may have been first
  if (!is_blank(state)) return {};
  if (!state.there) ETALON_TRY(session.run("CREATE SCHEMA etalon"));
  for (const char* sql : tables_sql) ETALON_TRY(session.run(sql));
  for (const char* table : table_names) ETALON_TRY(keep(session, table));
  ETALON_TRY(add_links(session));
  return transaction.commit();
}

}  // namespace

Result<std::unique_ptr<Database>> open(const std::string& address, bool must_exist) {
  ETALON_TRY(check_address(address));
  auto session = std::make_unique<Session>(address);
  ETALON_TRY(session->connect());
  ETALON_ASSIGN(State state, look(*session));
  if (is_blank(state)) {
    if (must_exist && !state.there)
      return session->fail(Errc::missing, "no ledger there: the database has no schema etalon");
    if (must_exist)
      return session->fail(Errc::malformed, "not a ledger: the schema etalon is empty");
    ETALON_TRY(create(*session));
    ETALON_ASSIGN(state, look(*session));
  }
  ETALON_TRY(check(*session, state));
  if (!must_exist && state.ours && version_in(state.comment) < version)
    ETALON_TRY(upgrade(*session));
  return std::unique_ptr<Database>(std::move(session));
}

Result<std::int64_t> Session::version() {
  ETALON_ASSIGN(const State state, look(*this));
  return version_in(state.comment);
}

// The server keeps its pages (data checksums) and indexes; references can be broken past it.
Result<std::vector<Flaw>> Session::integrity() {
  constexpr struct {
    const char *table, *column, *of, *key;
  } references[] = {{"artifact", "record", "record", "record"},
                    {"event", "record", "record", "seq"},
                    {"place", "event", "event", "event"},
                    {"link", "child", "record", "child"},
                    {"link", "parent", "record", "child"}};
  std::vector<Flaw> flaws;
  ETALON_ASSIGN(const std::int64_t stored, version());
  ETALON_TRY(run("SET LOCAL enable_hashjoin = on"));
  for (const auto& r : references) {
    if (stored < version_with_links && std::string_view(r.table) == "link") continue;
    ETALON_ASSIGN(const pqxx::result rows,
                  run(std::string("SELECT DISTINCT ") + r.key + " FROM " + r.table +
                      " t WHERE NOT EXISTS (SELECT 1 FROM " + r.of + " WHERE seq = t." + r.column +
                      ") ORDER BY 1"));
    for (const pqxx::row row : rows)
      flaws.push_back({r.table, std::string("row ") + row[0].c_str() + " refers to a row of " +
                                    r.of + " that is not there"});
  }
  ETALON_TRY(run("SET LOCAL enable_hashjoin = off"));
  return flaws;
}

Result<std::vector<Flaw>> Session::schema() {
  ETALON_ASSIGN(const std::int64_t stored, version());
  ETALON_ASSIGN(const pqxx::result rows, run(parts_sql));
  std::vector<Part> found;
  for (const pqxx::row row : rows) found.push_back({row[0].c_str(), row[1].c_str()});
  return compare_schema(parts(stored), found);
}

}  // namespace etalon::postgres
