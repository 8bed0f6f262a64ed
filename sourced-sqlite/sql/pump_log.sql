-- Sorts the messages in ?2 < position <= ?3 into the one lane of group ?1 (its name: ?4), which is in global order. Safe to
-- do again.
UPDATE sourced_lanes
SET head = max(head, news.last),
    ready = CASE
        WHEN parked OR available_at IS NOT NULL OR leased_until IS NOT NULL THEN NULL
        ELSE min(coalesce(ready, news.first), news.first)
    END
FROM (
    SELECT min(m.position) AS first, max(m.position) AS last
    FROM sourced_messages m
    WHERE m.position > ?2
      AND m.position <= ?3
      AND m.position > (SELECT l.acked FROM sourced_lanes l WHERE l.group_id = ?1 AND l.stream_id = 0)
      AND m.decided_by IS NOT ?4
      AND EXISTS (SELECT 1 FROM sourced_group_types t WHERE t.group_id = ?1 AND t.type = m.type)
) AS news
WHERE group_id = ?1 AND stream_id = 0 AND news.last IS NOT NULL
