-- History goes on: a snapshot says which event it was taken at, so that one of a log that was set back is passed over. One
-- without an event was written by an older program, and is passed over, too.
ALTER TABLE sourced_snapshots ADD COLUMN event BLOB;
ALTER TABLE sourced_snapshot_bases ADD COLUMN event BLOB;

UPDATE sourced_snapshots SET event = (
    SELECT m.id FROM sourced_streams s CROSS JOIN sourced_messages m ON m.stream_id = s.id AND m.seq = sourced_snapshots.seq
    WHERE s.name = sourced_snapshots.stream);
UPDATE sourced_snapshot_bases SET event = (
    SELECT m.id FROM sourced_streams s CROSS JOIN sourced_messages m ON m.stream_id = s.id AND m.seq = sourced_snapshot_bases.seq
    WHERE s.name = sourced_snapshot_bases.stream);
