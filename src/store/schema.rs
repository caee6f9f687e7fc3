//! The tables. Append-only: a step that has been released is never changed, a change is a further step.
//!
//! Times are microseconds since 1970 UTC, durations microseconds, outcomes the codes of [`crate::model::Outcome`].
//! In `sample` two columns are kept in a shorter form, because there are a thousand million of them: `at` counts from
//! [`AT_ORIGIN`] (six bytes instead of eight until 2034), and `rest_us` is what the total exceeds its parts by. The
//! view `run` shows them as they are, for people with a `sqlite3` at hand.

/// `sample.at`, `evidence.at`: microseconds from 2030-01-01T00:00:00Z.
pub(super) const AT_ORIGIN: i64 = 1_893_456_000_000_000;

/// `pragma application_id`: "wtch".
pub(super) const APPLICATION_ID: i32 = 0x7774_6368;

/// Version of the tables that this program writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Step `n` leads from version `n` to `n + 1`.
pub(super) const MIGRATIONS: &[&str] = &[
    V1, V2, MONEY, CLAIMS, CAUSE, SUMS, SAID, PROBER, SLOW, RETIRED,
];

const V1: &str = "
CREATE TABLE meta(
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- active: 1 while it is configured.
CREATE TABLE probe(
    id INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL REFERENCES service(id),
    name TEXT NOT NULL,
    location TEXT NOT NULL,
    active INTEGER NOT NULL,
    UNIQUE(service_id, name, location)
) STRICT;

-- What a run can come to, once for each kind of result. code: outcome, + 1000 for a re-check.
-- Numbers 0 and 1 take no room in a row, so they are given to the two most frequent ones.
CREATE TABLE result(
    id INTEGER PRIMARY KEY,
    code INTEGER NOT NULL,
    status INTEGER NOT NULL,
    failed_in INTEGER NOT NULL,
    UNIQUE(code, status, failed_in)
) STRICT;
INSERT INTO result VALUES (0, 0, 200, 0), (1, 1000, 200, 0);

CREATE TABLE sample(
    probe_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    result_id INTEGER NOT NULL,
    dns_us INTEGER,
    connect_us INTEGER,
    tls_us INTEGER,
    first_byte_us INTEGER,
    body_us INTEGER,
    rest_us INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    first_token_us INTEGER,
    longest_gap_us INTEGER,
    PRIMARY KEY(probe_id, at)
) STRICT, WITHOUT ROWID;

-- id: hash of the body. day: of the latest run that said so, in days since 1970.
CREATE TABLE text(
    id INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    day INTEGER NOT NULL
) STRICT;
CREATE INDEX text_day ON text(day);

CREATE TABLE evidence(
    probe_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    text_id INTEGER NOT NULL,
    request_id TEXT,
    PRIMARY KEY(probe_id, at)
) STRICT, WITHOUT ROWID;

-- Hours (since 1970) whose samples are not summed up yet, or have changed since.
CREATE TABLE rollup_due(
    hour INTEGER NOT NULL,
    probe_id INTEGER NOT NULL,
    PRIMARY KEY(hour, probe_id)
) STRICT, WITHOUT ROWID;

-- sum, min, max and hist are those of the answers (success and degraded).
CREATE TABLE rollup(
    probe_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    n INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    inconclusive INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    sum_us INTEGER NOT NULL,
    min_us INTEGER,
    max_us INTEGER,
    hist BLOB NOT NULL,
    PRIMARY KEY(probe_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE state(
    service_id INTEGER PRIMARY KEY,
    json TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE incident(
    id INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    state INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    closed_at INTEGER,
    reopened INTEGER NOT NULL
) STRICT;
CREATE INDEX incident_unfinished ON incident(id) WHERE state < 3;

CREATE TABLE event(
    incident_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    event INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    of INTEGER NOT NULL,
    usual REAL NOT NULL,
    window_s REAL NOT NULL,
    score REAL NOT NULL,
    bound REAL NOT NULL,
    PRIMARY KEY(incident_id, sequence)
) STRICT, WITHOUT ROWID;

-- state: 1 pending, 2 ambiguous, 3 sent, 4 dead. bytes becomes NULL some time after a letter is finished.
CREATE TABLE outbox(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER,
    sequence INTEGER,
    event INTEGER,
    recipient TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    bytes BLOB,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    finished_at INTEGER,
    last_reply TEXT
) STRICT;
CREATE INDEX outbox_unfinished ON outbox(incident_id, recipient, id) WHERE state <= 2;
CREATE INDEX outbox_dead ON outbox(id) WHERE state = 4;
CREATE INDEX outbox_kept ON outbox(finished_at) WHERE state > 2 AND bytes IS NOT NULL;
CREATE INDEX outbox_incident ON outbox(incident_id, id);

CREATE VIEW run AS SELECT
    service.name || '/' || probe.name AS probe,
    sample.at + 1893456000000000 AS at_us,
    result.code % 1000 AS outcome,
    result.code >= 1000 AS recheck,
    nullif(result.status, 0) AS status,
    dns_us, connect_us, tls_us, first_byte_us, body_us,
    rest_us + coalesce(dns_us, 0) + coalesce(connect_us, 0) + coalesce(tls_us, 0)
        + coalesce(first_byte_us, 0) + coalesce(body_us, 0) AS total_us,
    bytes, first_token_us, longest_gap_us
FROM sample
    JOIN result ON result.id = sample.result_id
    JOIN probe ON probe.id = sample.probe_id
    JOIN service ON service.id = probe.service_id;
";

const V2: &str = "
-- Numbers that probes of kind `count` read. at: as in sample.
CREATE TABLE number(
    probe_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY(probe_id, at)
) STRICT, WITHOUT ROWID;
";

/// What runs cost, how a budget rations them, what limits leave.
const MONEY: &str = "
-- day: since 1970, UTC. runs: those that may have cost something; priced: those of them whose cost is known.
CREATE TABLE spending(
    probe_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    priced INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    micro_usd INTEGER NOT NULL,
    PRIMARY KEY(probe_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX spending_day ON spending(day);

-- Since when a budget lets a probe run once in so many slots; 0: not at all.
CREATE TABLE ration(
    probe_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    one_in INTEGER NOT NULL,
    PRIMARY KEY(probe_id, at)
) STRICT, WITHOUT ROWID;

-- slot: five minutes since 1970. The reply that left the least of a limit; capacity 0: not said.
CREATE TABLE headroom(
    probe_id INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    resource TEXT NOT NULL,
    at INTEGER NOT NULL,
    capacity INTEGER NOT NULL,
    remaining INTEGER NOT NULL,
    resets_in_us INTEGER,
    PRIMARY KEY(probe_id, slot, resource)
) STRICT, WITHOUT ROWID;
";

const CLAIMS: &str = "
-- What status pages claim: a row for each change, in the order of id. overall: code of the standing. json: the claim.
CREATE TABLE claim(
    id INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    overall INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;
CREATE INDEX claim_probe ON claim(probe_id);

-- What ends soon. said: the nearest threshold, in days, that was said; 65535: none. gone: 1 when a later run did not see it any more.
CREATE TABLE notice(
    probe_id INTEGER NOT NULL,
    topic INTEGER NOT NULL,
    subject TEXT NOT NULL,
    deadline INTEGER NOT NULL,
    said INTEGER NOT NULL,
    said_at INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY(probe_id, topic, subject, deadline)
) STRICT, WITHOUT ROWID;
";

const CAUSE: &str = "
-- Of a notice: code of the kind of failure; 0: none.
ALTER TABLE incident ADD COLUMN cause INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN cause INTEGER NOT NULL DEFAULT 0;
-- The incident in whose thread it is told of; 0: it is not told of.
ALTER TABLE incident ADD COLUMN story INTEGER NOT NULL DEFAULT 0;
";

/// Sums of days and weeks, and how often probes were to run: what reports over months are read from.
const SUMS: &str = "
-- results: runs by the code of their result. tokens: times to the first token, as hist. Both NULL in what was summed up
-- before they were kept; such an hour is in no day.
ALTER TABLE rollup ADD COLUMN results BLOB;
ALTER TABLE rollup ADD COLUMN tokens BLOB;

-- The hours that are summed up, by day (span 1) and by seven days (span 7). start: number of the span since 1970, UTC.
CREATE TABLE tally(
    probe_id INTEGER NOT NULL,
    span INTEGER NOT NULL,
    start INTEGER NOT NULL,
    results BLOB NOT NULL,
    PRIMARY KEY(probe_id, span, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE spread(
    probe_id INTEGER NOT NULL,
    span INTEGER NOT NULL,
    start INTEGER NOT NULL,
    hist BLOB NOT NULL,
    tokens BLOB NOT NULL,
    PRIMARY KEY(probe_id, span, start)
) STRICT, WITHOUT ROWID;

-- Since when a probe is to run each so many microseconds; 0: not any more.
CREATE TABLE pace(
    probe_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    every_us INTEGER NOT NULL,
    PRIMARY KEY(probe_id, at)
) STRICT, WITHOUT ROWID;

-- Hours that were summed up without results are summed up again, where their samples are still there.
INSERT OR IGNORE INTO rollup_due SELECT hour, probe_id FROM rollup WHERE EXISTS (
    SELECT 1 FROM sample WHERE sample.probe_id = rollup.probe_id
        AND sample.at >= rollup.hour * 3600000000 - 1893456000000000
        AND sample.at < (rollup.hour + 1) * 3600000000 - 1893456000000000);
";

const SAID: &str = "
-- What people said on the host. what: 1 ack, 2 silence, 3 maintenance, 4 end of silence, 5 end of maintenance.
-- subject: a selector or a number. anchor: 1 when its times move with the clock. ended_at: NULL while it stands.
CREATE TABLE said(
    id INTEGER PRIMARY KEY,
    token TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what INTEGER NOT NULL,
    subject TEXT NOT NULL,
    incident_id INTEGER,
    from_at INTEGER,
    until_at INTEGER,
    anchor INTEGER NOT NULL,
    why TEXT NOT NULL,
    refused INTEGER NOT NULL,
    answer TEXT NOT NULL,
    ended_at INTEGER,
    ended_by TEXT
) STRICT;
CREATE INDEX said_incident ON said(incident_id) WHERE what = 1;
CREATE INDEX said_standing ON said(id) WHERE ended_at IS NULL;
";

const PROBER: &str = "
-- The prober itself, which has incidents and no probes. No service can be given this name.
INSERT INTO service VALUES (0, '(prober)');
";

const SLOW: &str = "
-- Of latency: which one of which probe, usual and now, and of how many runs that is the median. quantity 0: none.
ALTER TABLE event ADD COLUMN quantity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN slow_probe_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN usual_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN now_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN slow_runs INTEGER NOT NULL DEFAULT 0;
";

const RETIRED: &str = "
-- 1: a close of which nobody knows that it is over, because the probes that saw it were removed.
ALTER TABLE event ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_knows_the_origin_of_times() {
        assert!(V1.contains(&AT_ORIGIN.to_string()));
        assert!(SUMS.contains(&AT_ORIGIN.to_string()));
        let origin = crate::model::Timestamp::from_micros(AT_ORIGIN);
        assert_eq!(origin.to_string(), "2030-01-01T00:00:00Z");
    }
}
