//! What can go wrong, without HTTP.
//!
//! [`Code`] is the one table of failures, [`FieldCode`] that of what is wrong with a field.
//! [`crate::http::problem`] renders them; nothing of [`Error::source`] ever leaves the process.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The family of a failure; each has one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    Invalid,
    TooMany,
    Internal,
    Unavailable,
}

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $code:literal $title:literal)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $title] $variant,)*
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            pub fn named(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == code)
            }
        }
    };
}

macro_rules! failures {
    ($($variant:ident $kind:ident $code:literal $title:literal)*) => {
        codes! {
            /// Stable names of failures: clients may rely on them.
            Code { $($variant $code $title)* }
        }

        impl Code {
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }
        }
    };
}

failures! {
    MalformedRequest Malformed "malformed_request" "The request can't be parsed"
    TokenMissing Unauthenticated "token_missing" "A token is needed"
    TokenInvalid Unauthenticated "token_invalid" "The token is not valid, or not any more"
    CredentialsInvalid Unauthenticated "credentials_invalid" "E-mail and password don't fit"
    RoleRequired Forbidden "role_required" "The role doesn't allow it"
    ScopeRequired Forbidden "scope_required" "The token's scope doesn't allow it"
    NotAuthor Forbidden "not_author" "Only its author or an administrator may do that"
    LinkInvalid Forbidden "link_invalid" "The signed link is not valid, or not any more"
    RouteNotFound NotFound "route_not_found" "There is no such route"
    NotFound NotFound "not_found" "There is no such thing"
    UserNotFound NotFound "user_not_found" "There is no such user"
    ApiTokenNotFound NotFound "api_token_not_found" "There is no such API token"
    ChannelNotFound NotFound "channel_not_found" "There is no such channel"
    ContactNotFound NotFound "contact_not_found" "There is no such contact"
    ProfileNotFound NotFound "profile_not_found" "There is no such profile"
    ProfileFieldNotFound NotFound "profile_field_not_found" "There is no such profile field"
    ConversationNotFound NotFound "conversation_not_found" "There is no such conversation"
    MessageNotFound NotFound "message_not_found" "There is no such message"
    AttachmentNotFound NotFound "attachment_not_found" "There is no such attachment"
    NoteNotFound NotFound "note_not_found" "There is no such note"
    MethodNotAllowed MethodNotAllowed "method_not_allowed" "The route doesn't have this method"
    OrganizationAmbiguous Conflict "organization_ambiguous" "The password fits several organizations"
    EmailTaken Conflict "email_taken" "Another user has this e-mail address"
    LastAdmin Conflict "last_admin" "An organization keeps at least one active administrator"
    ContactExists Conflict "contact_exists" "There is a contact with this address"
    ContactAlreadyAttached Conflict "contact_already_attached" "The contact is attached to another profile"
    ContactNotAttached Conflict "contact_not_attached" "The contact is not attached to that profile"
    ProfileFieldKeyTaken Conflict "profile_field_key_taken" "Another profile field has this key"
    ValueTaken Conflict "value_taken" "Another profile has this value of a unique field"
    InUse Conflict "in_use" "It is still in use"
    ChannelArchived Conflict "channel_archived" "The channel is archived"
    BatchRefused Conflict "batch_refused" "An operation of an atomic batch was refused, so that none was done"
    AttachmentSent Conflict "attachment_sent" "The attachment belongs to a message already"
    VersionMismatch PreconditionFailed "version_mismatch" "It was changed since it was read"
    TooLarge TooLarge "too_large" "The request is too large"
    UnsupportedMediaType UnsupportedMediaType "unsupported_media_type" "The content type is not one that this route takes"
    RangeNotSatisfiable RangeNotSatisfiable "range_not_satisfiable" "The range lies outside of the file"
    Invalid Invalid "invalid" "Some fields are not valid"
    ChangeTooLarge Invalid "change_too_large" "The change touches too many at once"
    CursorInvalid Invalid "cursor_invalid" "The cursor doesn't belong to this list"
    IdempotencyKeyReused Invalid "idempotency_key_reused" "The idempotency key came with another request before"
    TooManyAttempts TooMany "too_many_attempts" "Too many attempts"
    Internal Internal "internal" "Something went wrong here"
    Unavailable Unavailable "unavailable" "The service is busy"
}

codes! {
    /// Stable names of what is wrong with a field.
    FieldCode {
        AttachmentNotFound "attachment_not_found" "It is no attachment of this organization"
        Blank "blank" "It has nothing but white space"
        Channel "channel" "It belongs to another channel or medium"
        Choice "choice" "It is none of the words that it may be"
        Country "country" "It is no ISO 3166-1 alpha-2 country"
        Date "date" "It is no date, such as 2024-02-29"
        Digits "digits" "It has too many significant digits"
        Email "email" "It is no e-mail address"
        Encoding "encoding" "It is not percent-encoded UTF-8"
        Exclusive "exclusive" "It is not taken together with another that was sent"
        Key "key" "It can't be the key of a profile field"
        Language "language" "It is no ISO 639 language code"
        Length "length" "It has too few or too many characters or items"
        Limit "limit" "There would be too many"
        Nul "nul" "It has the character NUL, which can't be stored"
        Option "option" "It is no option of the profile field, or one that is retired"
        Password "password" "It is not the current password"
        Phone "phone" "It is no telephone number"
        Range "range" "It is too small or too large"
        Repeated "repeated" "It is there more than once"
        Required "required" "It is missing"
        Several "several" "It has several values where one is taken"
        TimeZone "time_zone" "It is no IANA time zone"
        Type "type" "It is of another type, or not written as its type is"
        Unique "unique" "Another profile has the same value"
        Unknown "unknown" "Nothing here has this name or id"
        Unsupported "unsupported" "It is not taken here, or not with what else was sent"
        Url "url" "It is no web address"
        UserNotFound "user_not_found" "It is no active user of this organization"
    }
}

impl Serialize for FieldCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Where a wrong field was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    Body,
    Query,
    Path,
    Header,
}

/// More wrong fields than this aren't named: who looks for them may stop at the first beyond it.
pub const MAX_NAMED: usize = 50;
/// What a failure repeats of a request: of the name of a field, and of what is said of it. In bytes.
const MAX_FIELD_BYTES: usize = 500;
const MAX_MESSAGE_BYTES: usize = 2000;

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldError {
    #[serde(rename = "in")]
    pub location: Location,
    /// A JSON Pointer (RFC 6901) in a body, else the parameter's name.
    pub field: String,
    pub code: FieldCode,
    pub message: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

impl FieldError {
    pub fn new(location: Location, field: impl Into<String>, code: FieldCode, message: impl Into<String>) -> Self {
        Self { location, field: field.into(), code, message: message.into(), params: Map::new() }
    }

    pub fn body(field: impl Into<String>, code: FieldCode, message: impl Into<String>) -> Self {
        Self::new(Location::Body, field, code, message)
    }

    pub fn query(field: impl Into<String>, code: FieldCode, message: impl Into<String>) -> Self {
        Self::new(Location::Query, field, code, message)
    }
}

fn shorten(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
    }
}

/// What was done, unless there are faults: then these, and what else is wrong with fields.
pub fn despite<T>(faults: Vec<FieldError>, done: Result<T>) -> Result<T> {
    if faults.is_empty() {
        return done;
    }
    let known = Error::invalid(faults);
    Err(match done {
        Ok(_) => known,
        Err(found) => known.and(found),
    })
}

/// All of them, or all that is wrong with fields, or the first other failure.
pub fn all<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut done, mut failed) = (Vec::new(), None);
    for result in results {
        match (result, failed.take()) {
            (Ok(one), None) => done.push(one),
            (Ok(_), Some(error)) => failed = Some(error),
            (Err(error), None) => failed = Some(error),
            (Err(other), Some(error)) => failed = Some(Error::and(error, other)),
        }
    }
    failed.map_or(Ok(done), Err)
}

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A failure: what a client may know of it, and for the log only, its source.
#[derive(Debug, Clone)]
pub struct Error(Box<Failure>);

#[derive(Debug, Clone)]
struct Failure {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    extensions: Map<String, Value>,
    retry_after: Option<u64>,
    transient: bool,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            extensions: Map::new(),
            retry_after: None,
            transient: false,
            source: None,
        }))
    }

    /// Absent, or another organization's: the two look alike.
    pub fn not_found(code: Code) -> Self {
        Self::new(code, format!("{} in this organization.", code.title()))
    }

    /// The one place that bounds what is said of a request, which may be wrong in as many places as it has bytes.
    pub fn invalid(mut errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "One field is not valid.".to_owned(),
            n if n <= MAX_NAMED => format!("{n} fields are not valid."),
            _ => format!("More than {MAX_NAMED} fields are not valid: {MAX_NAMED} of them are named."),
        };
        errors.truncate(MAX_NAMED);
        for error in &mut errors {
            shorten(&mut error.field, MAX_FIELD_BYTES);
            shorten(&mut error.message, MAX_MESSAGE_BYTES);
        }
        let mut error = Self::new(Code::Invalid, detail);
        error.0.errors = errors;
        error
    }

    pub fn invalid_field(error: FieldError) -> Self {
        Self::invalid(vec![error])
    }

    /// A bug, or something broken beneath: the client learns nothing, the log all.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::new(Code::Internal, "The request was not carried out. The log has the details.").caused_by(source)
    }

    /// Busy: worth a retry after `seconds`.
    pub fn unavailable(seconds: u64, source: impl Into<Source>) -> Self {
        Self::new(Code::Unavailable, "Try again in a moment.").retry_after(seconds).caused_by(source)
    }

    /// Marks a failure that the same transaction, run again, may not meet.
    pub fn transient(mut self) -> Self {
        self.0.transient = true;
        self
    }

    /// Adds what only the log shows.
    pub fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Adds an extension member (RFC 9457, 3.2) such as `holder`.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// Both, where both say what is wrong with fields; else this one.
    pub fn and(self, other: Self) -> Self {
        if self.code() != Code::Invalid || other.code() != Code::Invalid {
            return self;
        }
        let mut errors = self.0.errors;
        errors.extend(other.0.errors);
        Self::invalid(errors)
    }

    /// Of a body that is a member of a larger one: its pointers begin there.
    pub fn within(mut self, member: &str) -> Self {
        for error in self.0.errors.iter_mut().filter(|error| error.location == Location::Body) {
            error.field.insert_str(0, member);
        }
        if let Some(Value::String(field)) = self.0.extensions.get_mut("field") {
            field.insert_str(0, member);
        }
        self
    }

    /// Where a parameter is given in the body: named as a member of it.
    pub fn parameters_in_body(mut self) -> Self {
        for error in self.0.errors.iter_mut().filter(|error| error.location == Location::Query) {
            error.location = Location::Body;
            error.field.insert(0, '/');
        }
        self
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    pub fn extensions(&self) -> &Map<String, Value> {
        &self.0.extensions
    }

    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after
    }

    pub fn is_transient(&self) -> bool {
        self.0.transient
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)?;
        for error in &self.0.errors {
            write!(f, " {}: {}", error.field, error.message)?;
        }
        match &self.0.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
