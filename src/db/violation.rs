//! A refusal of the database, by the name of the constraint, as an [`Error`].
//!
//! This is what settles races: nothing is looked up before it is written.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::error::{Code, Error};

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, information) = &error else {
            return Error::internal(error);
        };
        match kind {
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::CheckViolation => {
                information.constraint_name().and_then(conflict).unwrap_or_else(|| Error::internal(error))
            }
            // What it refers to was deleted meanwhile: run again, the transaction finds out.
            DatabaseErrorKind::ForeignKeyViolation => Error::internal(error).transient(),
            DatabaseErrorKind::SerializationFailure => Error::unavailable(1, error).transient(),
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Error::unavailable(2, error)
            }
            // Diesel knows no kinds for these; the server's messages are in English by our choice of locale.
            _ => match information.message() {
                "deadlock detected" => Error::unavailable(1, error).transient(),
                "canceling statement due to lock timeout" | "canceling statement due to statement timeout" => {
                    Error::unavailable(2, error)
                }
                message if message.starts_with("terminating connection") => Error::unavailable(2, error),
                _ => Error::internal(error),
            },
        }
    }
}

fn conflict(constraint: &str) -> Option<Error> {
    let (code, detail) = match constraint {
        "users_email_key" => (Code::EmailTaken, "Another user of this organization has this e-mail address."),
        "contacts_address_key" => (Code::ContactExists, "There is a contact with this medium and address."),
        "profile_fields_key_key" => (Code::ProfileFieldKeyTaken, "Another field of this organization has this key."),
        "profile_field_values_unique_key" => (Code::ValueTaken, "Another profile has this value of a unique field."),
        _ => return None,
    };
    Some(Error::new(code, detail))
}
