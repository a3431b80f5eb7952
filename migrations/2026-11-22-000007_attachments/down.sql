ALTER TABLE messages DROP CONSTRAINT messages_organization_id_raw_sha256_fkey;
DROP TABLE attachments;
DROP TABLE blobs;
