DROP TABLE thread_keys;
DROP TABLE messages;
DROP TABLE conversation_reads;
DROP TABLE conversation_participants;
DROP TABLE conversation_redirects;
DROP TABLE conversation_subjects;
DROP TABLE conversations;
