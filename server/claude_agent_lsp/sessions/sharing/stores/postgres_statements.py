"""The SQL statements for PostgreSQL.

$1 is the project's key and $2 the session's id; where there is a $3, it is the subpath.
"""

from __future__ import annotations

from typing import Final

# To make what is there already would wait for all who write, and hold up all who come after.
IS_THERE: Final = """
SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(ARRAY[
    'claude_agent_transcripts', 'claude_agent_lines', 'claude_agent_lines_by_uuid',
    'claude_agent_claims']) AS name
"""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS claude_agent_transcripts (
    project_key text NOT NULL, session_id text NOT NULL, subpath text NOT NULL,
    mtime bigint NOT NULL, summary text,
    PRIMARY KEY (project_key, session_id, subpath));
CREATE TABLE IF NOT EXISTS claude_agent_lines (
    project_key text NOT NULL, session_id text NOT NULL, subpath text NOT NULL,
    line integer NOT NULL, uuid text, digest text NOT NULL, entry text NOT NULL,
    PRIMARY KEY (project_key, session_id, subpath, line));
CREATE INDEX IF NOT EXISTS claude_agent_lines_by_uuid
    ON claude_agent_lines (project_key, session_id, subpath, uuid) WHERE uuid IS NOT NULL;
CREATE TABLE IF NOT EXISTS claude_agent_claims (
    project_key text NOT NULL, session_id text NOT NULL,
    token bigint NOT NULL, owner text,
    PRIMARY KEY (project_key, session_id));
"""

# A transcript has changed, or is begun; returns its summary.
TOUCH: Final = """
INSERT INTO claude_agent_transcripts
VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
ON CONFLICT (project_key, session_id, subpath) DO UPDATE SET mtime = EXCLUDED.mtime
RETURNING summary
"""

KNOWN_UUIDS: Final = """
SELECT uuid FROM claude_agent_lines
WHERE project_key = $1 AND session_id = $2 AND subpath = $3 AND uuid = ANY($4)
"""

DIGESTS_BETWEEN: Final = """
SELECT digest FROM claude_agent_lines
WHERE project_key = $1 AND session_id = $2 AND subpath = $3 AND line >= $4 AND line <= $5
ORDER BY line
"""

SUMMARIZE: Final = """
UPDATE claude_agent_transcripts SET summary = $4
WHERE project_key = $1 AND session_id = $2 AND subpath = $3
"""

# Until they are $7 bytes; nothing stands for one of more than $6.
ENTRIES_AFTER: Final = """
SELECT CASE WHEN size <= $6 THEN entry END AS entry FROM (
    SELECT line, entry, size, sum(size) OVER (ORDER BY line) - size AS before FROM (
        SELECT line, entry, octet_length(entry) AS size FROM claude_agent_lines
        WHERE project_key = $1 AND session_id = $2 AND subpath = $3 AND line > $4
        ORDER BY line LIMIT $5) AS sizes) AS sums
WHERE before < $7 ORDER BY line
"""

DIGESTS: Final = """
SELECT digest FROM claude_agent_lines
WHERE project_key = $1 AND session_id = $2 AND subpath = $3
ORDER BY line
"""

DIGEST: Final = """
SELECT digest FROM claude_agent_lines
WHERE project_key = $1 AND session_id = $2 AND subpath = $3 AND line = $4
"""

HEAD: Final = """
SELECT line, digest FROM claude_agent_lines
WHERE project_key = $1 AND session_id = $2 AND subpath = $3
ORDER BY line DESC LIMIT 1
"""

INSERT_LINE: Final = """
INSERT INTO claude_agent_lines VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

CUT: Final = """
DELETE FROM claude_agent_lines
WHERE project_key = $1 AND session_id = $2 AND subpath = $3 AND line > $4
"""

DELETE_TRANSCRIPT: Final = """
DELETE FROM claude_agent_transcripts
WHERE project_key = $1 AND session_id = $2 AND subpath = $3
"""

# All of a session, or one transcript of it.
DELETE_LINES_BELOW: Final = """
DELETE FROM claude_agent_lines
WHERE project_key = $1 AND session_id = $2 AND $3 IN ('', subpath)
"""

DELETE_TRANSCRIPTS_BELOW: Final = """
DELETE FROM claude_agent_transcripts
WHERE project_key = $1 AND session_id = $2 AND $3 IN ('', subpath)
"""

SESSIONS: Final = """
SELECT session_id, mtime FROM claude_agent_transcripts
WHERE project_key = $1 AND subpath = ''
"""

SUMMARIES: Final = """
SELECT session_id, mtime, summary FROM claude_agent_transcripts
WHERE project_key = $1 AND subpath = '' AND summary IS NOT NULL
"""

SUBPATHS: Final = """
SELECT subpath FROM claude_agent_transcripts
WHERE project_key = $1 AND session_id = $2 AND subpath <> ''
"""

# Two that make the same table at the same time get in each other's way.
LOCK_SCHEMA: Final = """
SELECT pg_advisory_xact_lock(hashtextextended('claude-agent', 0))
"""

# An advisory lock, which ends with its connection.
TRY_LOCK: Final = """
SELECT pg_try_advisory_lock(hashtextextended('claude-agent ' || $1 || ' ' || $2, 0))
"""

UNLOCK: Final = """
SELECT pg_advisory_unlock(hashtextextended('claude-agent ' || $1 || ' ' || $2, 0))
"""

OWNER: Final = """
SELECT owner FROM claude_agent_claims
WHERE project_key = $1 AND session_id = $2
"""

# Returns the claim's token: a time, so that a database that was restored gives none out again.
CLAIM: Final = """
INSERT INTO claude_agent_claims
VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, $3)
ON CONFLICT (project_key, session_id) DO UPDATE
SET token = greatest(EXCLUDED.token, claude_agent_claims.token + 1), owner = EXCLUDED.owner
RETURNING token
"""

# A deletion is kept among the claims, under a name that no session has.
NOTE_DELETION: Final = """
INSERT INTO claude_agent_claims
VALUES ($1, $2 || ' deleted', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, NULL)
ON CONFLICT (project_key, session_id) DO UPDATE SET token = EXCLUDED.token
"""

DELETED_SINCE: Final = """
SELECT token > $3 FROM claude_agent_claims
WHERE project_key = $1 AND session_id = $2 || ' deleted'
"""

# Of many places, given as columns, those that are not there.
LACKING: Final = """
SELECT number FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[])
    WITH ORDINALITY AS sent (project_key, session_id, subpath, line, digest, number)
WHERE NOT EXISTS (
    SELECT FROM claude_agent_lines AS there
    WHERE there.project_key = sent.project_key AND there.session_id = sent.session_id
    AND there.subpath = sent.subpath AND there.line = sent.line AND there.digest = sent.digest)
"""

# Keeps other writers of the session out until the transaction ends. Returns the newest token.
HOLD: Final = """
INSERT INTO claude_agent_claims VALUES ($1, $2, 0, NULL)
ON CONFLICT (project_key, session_id) DO UPDATE SET token = claude_agent_claims.token
RETURNING token
"""
