CREATE TABLE thumbnails (
    organization_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    status text NOT NULL DEFAULT 'pending' CONSTRAINT thumbnails_status_check CHECK (status IN ('pending', 'made', 'impossible')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    content_type text,
    byte_size bigint,
    CONSTRAINT thumbnails_pkey PRIMARY KEY (organization_id, sha256),
    CONSTRAINT thumbnails_blob_fkey FOREIGN KEY (organization_id, sha256)
        REFERENCES blobs (organization_id, sha256) ON DELETE CASCADE,
    CONSTRAINT thumbnails_made_check CHECK ((status = 'made') = (num_nulls(content_type, byte_size) = 0))
);
CREATE INDEX thumbnails_pending_idx ON thumbnails (next_attempt_at) WHERE status = 'pending';
COMMENT ON TABLE thumbnails IS 'images, once for their bytes: the small picture that is made of each, later and in the background';
COMMENT ON COLUMN thumbnails.sha256 IS 'of the image';
COMMENT ON COLUMN thumbnails.attempts IS 'counted before each, so that what ends the process is not tried for ever';
COMMENT ON COLUMN thumbnails.next_attempt_at IS 'later for the one that works on it now: should it end, another tries again';

INSERT INTO thumbnails (organization_id, sha256)
SELECT DISTINCT organization_id, sha256 FROM attachments
WHERE content_type IN ('image/png', 'image/jpeg', 'image/gif', 'image/webp');
