AND left(m.type, 1) <> '!'
AND ($4::text[] IS NULL OR m.type = ANY($4))
AND ($5::text IS NULL OR m.kind = $5)
AND ($6::uuid IS NULL OR m.correlation_id = $6)
AND ($7::timestamptz IS NULL OR m.created_at >= $7)
AND ($8::timestamptz IS NULL OR m.created_at < $8)
AND ($9::text[] IS NULL OR NOT EXISTS (SELECT FROM unnest($9) AS part WHERE strpos(coalesce(m.metadata::text, ''), part) = 0))
AND ($10::text IS NULL OR starts_with((SELECT named.name FROM {schema}.streams AS named WHERE named.id = m.stream_id), $10))
