DROP TABLE contact_terms;
DROP TABLE contact_channels;
DROP TABLE contacts;
