//! Operations that will go: since when they should not be used, until when they answer, and what to use instead.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// One operation that will go.
#[derive(Debug, Clone, Copy)]
pub struct Deprecation {
    /// In upper case.
    pub method: &'static str,
    /// As the document has it, such as `/v1/profiles/{id}`.
    pub path: &'static str,
    pub since: NaiveDate,
    /// From this day on it is gone; None where that isn't decided.
    pub sunset: Option<NaiveDate>,
    /// A sentence for the document that says what to use.
    pub instead: &'static str,
}

/// What is deprecated today. The document and the answers' headers follow from this table.
pub const DEPRECATED: &[Deprecation] = &[];

impl Deprecation {
    pub fn of<'t>(table: &'t [Self], method: &str, path: &str) -> Option<&'t Self> {
        table.iter().find(|row| row.method.eq_ignore_ascii_case(method) && row.path == path)
    }

    /// For the description of the operation.
    pub fn sentence(&self) -> String {
        let until = self.sunset.map(|day| format!(", gone from {day} on")).unwrap_or_default();
        format!("Deprecated since {}{until}. {}", self.since, self.instead)
    }

    /// `Deprecation` (RFC 9745) and `Sunset` (RFC 8594).
    pub fn announce(&self, headers: &mut HeaderMap) {
        let since = format!("@{}", midnight(self.since).timestamp());
        let sunset = self.sunset.map(|day| midnight(day).format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        for (name, value) in [("deprecation", Some(since)), ("sunset", sunset)] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_say_since_when_and_until_when() {
        let row = Deprecation {
            method: "GET",
            path: "/v1/profiles/{id}",
            since: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
            sunset: NaiveDate::from_ymd_opt(2027, 6, 30),
            instead: "Use `GET /v2/profiles/{id}`.",
        };
        let table = [row];
        assert!(Deprecation::of(&table, "POST", "/v1/profiles/{id}").is_none());
        assert!(Deprecation::of(&table, "GET", "/v1/profiles").is_none());
        let mut headers = HeaderMap::new();
        Deprecation::of(&table, "get", "/v1/profiles/{id}").unwrap().announce(&mut headers);
        assert_eq!(headers.get("deprecation").unwrap(), "@1796083200");
        assert_eq!(headers.get("sunset").unwrap(), "Wed, 30 Jun 2027 00:00:00 GMT");
        assert_eq!(
            row.sentence(),
            "Deprecated since 2026-12-01, gone from 2027-06-30 on. Use `GET /v2/profiles/{id}`."
        );
        let mut headers = HeaderMap::new();
        Deprecation { sunset: None, ..row }.announce(&mut headers);
        assert!(headers.get("sunset").is_none());
    }
}
