-- The snapshot that an actor has of a stream, if the stream has the event that it was taken at.
SELECT k.seq, k.event, k.fingerprint, k.state
  FROM {schema}.snapshots AS k
  JOIN {schema}.streams AS s ON s.name = k.stream
  JOIN {schema}.messages AS m ON m.stream_id = s.id AND m.seq = k.seq
 WHERE k.actor = $1 AND k.stream = $2 AND m.id = k.event
