//! A type of its own for every id, so that no two can be mixed up.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
            diesel::AsExpression, diesel::FromSqlRow,
        )]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid, example = "0192f0c1-2f6e-7c3a-9d51-3b1f0a7e6c11")]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        pub struct $name(#[serde(deserialize_with = "crate::ids::hyphenated")] pub uuid::Uuid);

        impl $name {
            /// A new UUIDv7 (RFC 9562): ids of one process sort in the order they were made.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                diesel::deserialize::FromSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::from_sql(value).map(Self)
            }
        }
    )*};
}

/// A UUID as the document has it (RFC 9562, 4): the crate also reads others, such as those in braces.
pub fn hyphenated<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<uuid::Uuid, D::Error> {
    let text: String = serde::Deserialize::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| serde::de::Error::custom("expected a UUID of 36 characters"))
}

pub fn parse(text: &str) -> Option<uuid::Uuid> {
    text.parse().ok().filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH)
}

ids! {
    /// Of a resource of which something else says what it is.
    AnyId
    OrganizationId
    UserId
    /// Of a refresh token, and of the family of those that descend from one login.
    RefreshTokenId
    /// The `jti` of an API token.
    ApiTokenId
    ChannelId
    ContactId
    ProfileId
    ProfileFieldId
    ConversationId
    MessageId
    AttachmentId
    NoteId
    EventId
}
