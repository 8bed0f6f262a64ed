-- Keeps a snapshot, unless a later one is there: of the same fingerprint, and of an event that the stream has.
INSERT INTO sourced_snapshots AS k (actor, stream, seq, event, fingerprint, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (actor, stream) DO UPDATE SET
    seq = excluded.seq, event = excluded.event, fingerprint = excluded.fingerprint, state = excluded.state
WHERE excluded.seq > k.seq
    OR excluded.fingerprint <> k.fingerprint
    OR k.event IS NOT (
        SELECT m.id FROM sourced_streams s CROSS JOIN sourced_messages m ON m.stream_id = s.id AND m.seq = k.seq
        WHERE s.name = k.stream
    )
