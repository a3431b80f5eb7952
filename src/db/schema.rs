// @generated automatically by Diesel CLI.

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    api_tokens (organization_id, id) {
        organization_id -> Uuid,
        /// the jti of the JWT; the JWT itself is never stored
        id -> Uuid,
        /// who made it, and whose role it has
        user_id -> Uuid,
        name -> Text,
        /// what it may do, divided by spaces: read, write
        scope -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// one occurrence of a file: uploaded, and once its message names it, exchanged
    attachments (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        sha256 -> Bytea,
        filename -> Text,
        content_type -> Text,
        byte_size -> Int8,
        kind -> Text,
        width -> Nullable<Int4>,
        height -> Nullable<Int4>,
        /// by which an HTML mail refers to it (RFC 2392)
        content_id -> Nullable<Text>,
        inline -> Bool,
        message_id -> Nullable<Uuid>,
        conversation_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        channel_id -> Nullable<Uuid>,
        direction -> Nullable<Text>,
        position -> Int4,
        occurred_at -> Nullable<Timestamptz>,
        created_by_type -> Text,
        created_by_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        /// as of messages, of the file name
        search -> Tsvector,
        /// how search was made
        search_edition -> Int2,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// bytes in the storage, once an organization, named by their SHA-256
    blobs (organization_id, sha256) {
        organization_id -> Uuid,
        sha256 -> Bytea,
        byte_size -> Int8,
        created_at -> Timestamptz,
        /// when its bytes were about to be written, or the last file of them was removed; null once a file or a message has them
        unused_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    channels (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        name -> Text,
        medium -> Text,
        settings -> Jsonb,
        archived_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the channels on which a contact was met
    contact_channels (organization_id, contact_id, channel_id) {
        organization_id -> Uuid,
        contact_id -> Uuid,
        channel_id -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the words of a contact's address and name, by which it and its profile are found
    contact_terms (organization_id, contact_id, position) {
        organization_id -> Uuid,
        contact_id -> Uuid,
        position -> Int2,
        term -> Text,
        /// that of the contact
        profile_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    contacts (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        medium -> Text,
        /// the channel for media whose addresses mean something only there, else empty
        scope -> Text,
        /// normalised: E.164, lower-cased e-mail, else as written; never changes
        address -> Text,
        name -> Nullable<Text>,
        /// the name (or address) folded, at most 200 characters: what lists are sorted by
        sort_name -> Text,
        profile_id -> Nullable<Uuid>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    conversation_participants (organization_id, conversation_id, contact_id) {
        organization_id -> Uuid,
        contact_id -> Uuid,
        conversation_id -> Uuid,
        /// when the first message with this contact occurred
        joined_at -> Timestamptz,
        /// that of the conversation, so that a contact's history is read in the order of an index
        last_message_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    conversation_reads (organization_id, user_id, conversation_id) {
        organization_id -> Uuid,
        user_id -> Uuid,
        conversation_id -> Uuid,
        read_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// conversations that turned out to be part of another
    conversation_redirects (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        conversation_id -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the words of subjects, kept apart so that a new message does not index them again
    conversation_subjects (organization_id, conversation_id) {
        organization_id -> Uuid,
        conversation_id -> Uuid,
        search -> Tsvector,
        /// how search was made
        search_edition -> Int2,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    conversations (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        channel_id -> Uuid,
        /// who started it
        contact_id -> Uuid,
        /// what the channel calls it
        external_id -> Nullable<Text>,
        subject -> Nullable<Text>,
        status -> Text,
        assignee_id -> Nullable<Uuid>,
        message_count -> Int4,
        first_message_at -> Nullable<Timestamptz>,
        /// when the newest message occurred; without one, when it was created
        last_message_at -> Timestamptz,
        last_message_direction -> Nullable<Text>,
        /// when the newest message was received here; what unread compares with
        last_inbound_at -> Timestamptz,
        /// the beginning of the newest message
        preview -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the words of events that say something: notes as they were written then, names and values that changed
    event_texts (organization_id, event_id) {
        organization_id -> Uuid,
        event_id -> Uuid,
        /// as of messages
        search -> Tsvector,
        /// how search was made
        search_edition -> Int2,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// what happened, written once by the verb that did it, in its transaction; never changed
    events (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        /// orders readers behind every transaction that may still commit
        transaction_id -> Int8,
        occurred_at -> Timestamptz,
        actor_type -> Text,
        actor_id -> Nullable<Uuid>,
        /// resource.verb, such as contact.attached
        #[sql_name = "type"]
        type_ -> Text,
        resource_type -> Text,
        resource_id -> Uuid,
        /// the version of the resource after it
        version -> Nullable<Int4>,
        profile_id -> Nullable<Uuid>,
        /// the profile that a contact left
        from_profile_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        conversation_id -> Nullable<Uuid>,
        /// the changed fields as they were
        before -> Nullable<Jsonb>,
        /// the changed fields as they became
        after -> Nullable<Jsonb>,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    idempotency_keys (organization_id, caller_id, key) {
        organization_id -> Uuid,
        /// the user or API token that sent it
        caller_id -> Uuid,
        key -> Text,
        /// SHA-256 over method, route and body
        fingerprint -> Bytea,
        status -> Nullable<Int2>,
        /// the answer, set in the transaction that claimed the key; without what is shown only once
        body -> Nullable<Text>,
        location -> Nullable<Text>,
        version -> Nullable<Int4>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    messages (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        conversation_id -> Uuid,
        channel_id -> Uuid,
        /// the counterpart: who wrote it, or to whom it was written
        contact_id -> Uuid,
        /// the Message-ID, or what the channel calls it; the same one again writes nothing
        external_id -> Nullable<Text>,
        #[sql_name = "type"]
        type_ -> Text,
        direction -> Text,
        /// who wrote an outbound message: user or token
        author_type -> Nullable<Text>,
        author_id -> Nullable<Uuid>,
        subject -> Nullable<Text>,
        to -> Jsonb,
        cc -> Jsonb,
        body -> Text,
        duration_seconds -> Nullable<Int4>,
        has_html -> Bool,
        /// the e-mail as it came in, a blob
        raw_sha256 -> Nullable<Bytea>,
        /// the earlier of what it says and when it was received
        occurred_at -> Timestamptz,
        created_at -> Timestamptz,
        /// the words of subject and body with their places and weights, their stems (~stem), and the organization (@…), at most 1 MiB
        search -> Tsvector,
        /// how search was made
        search_edition -> Int2,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// who is mentioned in which note, the same as its mentions: what a user's list of mentions is read from
    note_mentions (organization_id, note_id, user_id) {
        organization_id -> Uuid,
        note_id -> Uuid,
        user_id -> Uuid,
        /// when the note, or the edit that mentions the user, was written
        mentioned_at -> Timestamptz,
        /// when the user marked it as read
        read_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    notes (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        profile_id -> Nullable<Uuid>,
        contact_id -> Nullable<Uuid>,
        conversation_id -> Nullable<Uuid>,
        body -> Text,
        author_type -> Text,
        author_id -> Nullable<Uuid>,
        pinned -> Bool,
        mentions -> Array<Nullable<Uuid>>,
        created_at -> Timestamptz,
        edited_at -> Nullable<Timestamptz>,
        edited_by_type -> Nullable<Text>,
        edited_by_id -> Nullable<Uuid>,
        version -> Int4,
        /// as of messages
        search -> Tsvector,
        /// how search was made
        search_edition -> Int2,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    organizations (id) {
        id -> Uuid,
        name -> Text,
        /// IANA name; a bare date in a filter is a day in it
        time_zone -> Text,
        /// ISO 3166-1 alpha-2; completes phone numbers written without a country
        default_country -> Text,
        /// BCP 47 primary language
        language -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// what every message changes, kept apart so that the wide rows of profiles are not rewritten by it
    profile_activity (organization_id, profile_id) {
        organization_id -> Uuid,
        profile_id -> Uuid,
        last_contact_moment_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the words of searchable fields, by which a profile is found
    profile_field_terms (organization_id, profile_id, field_id, term) {
        organization_id -> Uuid,
        profile_id -> Uuid,
        field_id -> Uuid,
        term -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the values of profiles as they are searched and sorted; one row for each option of a multi_select
    profile_field_values (organization_id, field_id, profile_id, sort_value) {
        organization_id -> Uuid,
        field_id -> Uuid,
        profile_id -> Uuid,
        /// the value in a form whose bytes sort as its type does, at most 200 characters
        sort_value -> Text,
        /// the whole value as text
        value -> Text,
        /// set where the field is unique: the value as it must not occur twice
        unique_key -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    profile_fields (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        /// stable name in a profile's fields; never changes
        key -> Text,
        label -> Text,
        description -> Nullable<Text>,
        #[sql_name = "type"]
        type_ -> Text,
        options -> Jsonb,
        required -> Bool,
        unique -> Bool,
        searchable -> Bool,
        position -> Int4,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        /// what a new profile has that says nothing of the field
        default -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the required fields that a profile has no value of: those profiles are found without looking at all others
    profile_missing_values (organization_id, profile_id, field_id) {
        organization_id -> Uuid,
        profile_id -> Uuid,
        field_id -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the beginning of each word, whole and with one letter left out: where the right spelling of a mistyped word is looked up
    profile_spellings (organization_id, spelling, term) {
        organization_id -> Uuid,
        spelling -> Text,
        term -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the words of a profile's name, by which it is found
    profile_terms (organization_id, profile_id, position) {
        organization_id -> Uuid,
        profile_id -> Uuid,
        position -> Int2,
        term -> Text,
        /// all words of the name, each after a space: a second word is looked for without leaving the index
        words -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// every word that a profile's name has or had, once
    profile_words (organization_id, term) {
        organization_id -> Uuid,
        term -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    profiles (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        name -> Text,
        /// the name folded, at most 200 characters: what lists are sorted by
        sort_name -> Text,
        kind -> Text,
        /// the values that are read, by the id of their field: one of a deleted field is unreachable
        fields -> Jsonb,
        created_by_type -> Text,
        created_by_id -> Nullable<Uuid>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    refresh_tokens (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        /// all tokens that descend from one login; one used twice ends them all
        family_id -> Uuid,
        /// SHA-256; the token itself is never stored
        token_hash -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        rotated_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// the Message-IDs that mails have or refer to (RFC 5322, 3.6.4), each in one conversation
    thread_keys (organization_id, channel_id, message_id) {
        organization_id -> Uuid,
        channel_id -> Uuid,
        message_id -> Text,
        conversation_id -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// images, once for their bytes: the small picture that is made of each, later and in the background
    thumbnails (organization_id, sha256) {
        organization_id -> Uuid,
        /// of the image
        sha256 -> Bytea,
        status -> Text,
        /// counted before each, so that what ends the process is not tried for ever
        attempts -> Int4,
        /// later for the one that works on it now: should it end, another tries again
        next_attempt_at -> Timestamptz,
        content_type -> Nullable<Text>,
        byte_size -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    /// which events stand on whose timeline; messages and files are read from their own tables
    timeline_entries (organization_id, owner_id, at, id) {
        organization_id -> Uuid,
        /// a contact or a profile; an event of a conversation is there once for each contact that takes part
        owner_id -> Uuid,
        at -> Timestamptz,
        /// that of the event; where one event is several entries, the others have ids of their own
        id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        event_id -> Uuid,
        /// the conversation it is of, today: who joins it later has its entries too
        conversation_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Tsvector;

    users (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        /// lower-cased; unique in its organization, so that one person may work for several
        email -> Text,
        name -> Text,
        role -> Text,
        /// argon2id in PHC string format
        password_hash -> Text,
        /// wrong passwords since the last right one
        failed_logins -> Int4,
        failed_login_at -> Nullable<Timestamptz>,
        deactivated_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::joinable!(blobs -> organizations (organization_id));
diesel::joinable!(channels -> organizations (organization_id));
diesel::joinable!(contacts -> organizations (organization_id));
diesel::joinable!(conversations -> organizations (organization_id));
diesel::joinable!(events -> organizations (organization_id));
diesel::joinable!(idempotency_keys -> organizations (organization_id));
diesel::joinable!(notes -> organizations (organization_id));
diesel::joinable!(profile_fields -> organizations (organization_id));
diesel::joinable!(profile_words -> organizations (organization_id));
diesel::joinable!(profiles -> organizations (organization_id));
diesel::joinable!(users -> organizations (organization_id));

diesel::allow_tables_to_appear_in_same_query!(
    api_tokens,
    attachments,
    blobs,
    channels,
    contact_channels,
    contact_terms,
    contacts,
    conversation_participants,
    conversation_reads,
    conversation_redirects,
    conversation_subjects,
    conversations,
    event_texts,
    events,
    idempotency_keys,
    messages,
    note_mentions,
    notes,
    organizations,
    profile_activity,
    profile_field_terms,
    profile_field_values,
    profile_fields,
    profile_missing_values,
    profile_spellings,
    profile_terms,
    profile_words,
    profiles,
    refresh_tokens,
    thread_keys,
    thumbnails,
    timeline_entries,
    users,
);
