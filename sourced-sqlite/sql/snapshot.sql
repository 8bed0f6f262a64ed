-- The snapshot that the actor ?1 has of the stream ?2, if the stream has the event that it was taken at.
SELECT k.seq, k.event, k.fingerprint, k.state
FROM sourced_snapshots k
CROSS JOIN sourced_streams s ON s.name = k.stream
CROSS JOIN sourced_messages m ON m.stream_id = s.id AND m.seq = k.seq
WHERE k.actor = ?1 AND k.stream = ?2 AND m.id = k.event
