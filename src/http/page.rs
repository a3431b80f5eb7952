//! Pages of lists: `limit` rows behind an opaque cursor.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use super::caller::caller;
use super::query::{Pairs, number, pairs, parse};
use crate::error::{Code, Error, Result};
use crate::ids::OrganizationId;
use crate::text::is_of_four_digits;

pub const DEFAULT_LIMIT: i64 = 50;
const COUNT: &str = "count";
/// Bytes of the checksum in a cursor.
const CHECKSUM: usize = 8;

/// The parameters that every list has.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// How many entries to answer with.
    #[serde(default, deserialize_with = "number")]
    #[validate(range(min = 1, max = 200))]
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<i64>,
    /// Where to go on: the `next_cursor` of the page before. Belongs to this list with these filters and this sort.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// Asks for the number of all entries: `exact` reads them, `estimate` asks the planner.
    count: Option<CountMode>,
}

/// The same of a list that isn't counted.
pub struct UncountedPageParams;

impl IntoParams for UncountedPageParams {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        PageParams::into_params(parameter_in).into_iter().filter(|parameter| parameter.name != COUNT).collect()
    }
}

/// How to count a list: reading all of its entries, or asking the planner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountMode {
    Exact,
    Estimate,
}

/// How many entries a list has, where that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Count {
    #[schema(example = 1234, minimum = 0)]
    pub value: i64,
    /// False for an estimate.
    pub exact: bool,
}

/// Which page of which list.
#[derive(Debug, Clone)]
pub struct Page {
    pub limit: i64,
    pub count: Option<CountMode>,
    /// The limit, where one was asked for.
    asked: Option<i64>,
    cursor: Option<String>,
    /// Whose it is, and the route with its filters and its sort.
    list: String,
}

/// A list's page and its filters.
pub struct List<F> {
    pub page: Page,
    pub filter: F,
}

impl<F: DeserializeOwned + Validate> FromRequest for List<F> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(list(request, true, |_| false).map(|(list, _)| list))
    }
}

/// A list that isn't counted: [`UncountedPageParams`] describes it.
pub struct UncountedList<F>(pub List<F>);

impl<F: DeserializeOwned + Validate> FromRequest for UncountedList<F> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(list(request, false, |_| false).map(|(list, _)| Self(list)))
    }
}

/// A list that can also be filtered by what the organization defined itself: parameters named `field[…]`.
pub struct FieldList<F> {
    pub page: Page,
    pub filter: F,
    /// As they were written; whether they fit is known once the definitions are read.
    pub fields: Pairs,
}

impl<F: DeserializeOwned + Validate> FromRequest for FieldList<F> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let list = list(request, true, |name| name.starts_with("field["));
        ready(list.map(|(List { page, filter }, fields)| Self { page, filter, fields }))
    }
}

/// The list, and the parameters whose names are the organization's own.
fn list<F: DeserializeOwned + Validate>(
    request: &HttpRequest,
    is_counted: bool,
    is_own: impl Fn(&str) -> bool,
) -> Result<(List<F>, Pairs)> {
    let is_of_page = |name: &str| matches!(name, "limit" | "cursor") || (is_counted && name == COUNT);
    let (of_page, of_filter): (Pairs, Pairs) =
        pairs(request.query_string())?.into_iter().partition(|(name, _)| is_of_page(name));
    let caller = caller(request)?;
    let path = request.match_info().as_str();
    let mut name = list_name(caller.organization, path, &of_filter);
    // What is the caller's own is another list for each.
    if path.contains("/me/") || of_filter.iter().any(|(_, value)| value == "me") {
        name = format!("{} {name}", caller.user.0);
    }
    let (own, of_filter): (Pairs, Pairs) = of_filter.into_iter().partition(|(name, _)| is_own(name));
    let (params, mut errors) = parse::<PageParams>(of_page);
    let (filter, filter_errors) = parse::<F>(of_filter);
    errors.extend(filter_errors);
    match (params, filter) {
        (Some(params), Some(filter)) if errors.is_empty() => {
            let page = Page {
                limit: params.limit.unwrap_or(DEFAULT_LIMIT),
                count: params.count,
                asked: params.limit,
                cursor: params.cursor,
                list: name,
            };
            Ok((List { page, filter }, own))
        }
        _ => Err(Error::invalid(errors)),
    }
}

/// Says where a page begins, not what the list has.
pub fn is_place(name: &str) -> bool {
    matches!(name, "cursor" | "at" | "before" | "after")
}

fn list_name(organization: OrganizationId, path: &str, filters: &Pairs) -> String {
    let mut filters: Pairs = filters.iter().filter(|(name, _)| !is_place(name) && name != "wait").cloned().collect();
    filters.sort();
    let filters = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(filters).finish();
    format!("{} {path}?{filters}", organization.0)
}

impl Page {
    /// The first page of the list at `path`, as a part of another answer.
    pub fn first(organization: OrganizationId, path: &str, limit: i64) -> Self {
        Self::first_of(organization, path, [], limit)
    }

    /// As [`Page::first`], of the list with these filters and this sort.
    pub fn first_of<'f>(
        organization: OrganizationId,
        path: &str,
        filters: impl IntoIterator<Item = (&'f str, &'f str)>,
        limit: i64,
    ) -> Self {
        let filters = filters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { limit, count: None, asked: None, cursor: None, list: list_name(organization, path, &filters) }
    }

    /// The page of the same list that begins at `cursor`.
    pub fn behind(self, cursor: String) -> Self {
        Self { cursor: Some(cursor), ..self }
    }

    /// The limit that was asked for, or another default.
    pub fn limit_or(&self, default: i64) -> i64 {
        self.asked.unwrap_or(default)
    }

    /// How many rows to read: one more than shown tells whether there is a next page.
    pub fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The key of the last entry of the page before, or None on the first page.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>> {
        self.cursor.as_deref().map(|cursor| self.key(cursor)).transpose()
    }

    /// The key in a cursor of this list.
    pub fn key<K: DeserializeOwned>(&self, cursor: &str) -> Result<K> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (checksum, key) = bytes.split_at_checked(CHECKSUM).ok_or_else(refused)?;
        if checksum != self.checksum(key) {
            return Err(refused());
        }
        let key: Value = serde_json::from_slice(key).map_err(|_| refused())?;
        if !is_storable(&key) {
            return Err(refused());
        }
        K::deserialize(key).map_err(|_| refused())
    }

    /// Drops the row beyond the page, and says where the next page begins.
    pub fn cut<R, K: Serialize>(&self, rows: &mut Vec<R>, key: impl Fn(&R) -> K) -> Result<Option<String>> {
        let limit = usize::try_from(self.limit).map_err(Error::internal)?;
        if rows.len() <= limit {
            return Ok(None);
        }
        rows.truncate(limit);
        let Some(last) = rows.last() else { return Ok(None) };
        self.cursor_at(&key(last)).map(Some)
    }

    /// What the page before left of a list that was found at once, and what was to be known of it; None on the first
    /// page.
    pub fn rest<I: From<Uuid>, W: DeserializeOwned>(&self) -> Result<Option<(Vec<I>, W)>> {
        let Some((ids, whole)) = self.after::<(String, W)>()? else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(ids).map_err(|_| refused())?;
        let ids = bytes.chunks(16).map(|id| Uuid::from_slice(id).map(I::from).map_err(|_| refused()));
        Ok(Some((ids.collect::<Result<_>>()?, whole)))
    }

    /// Keeps of such a list what this page shows; the cursor names all the others, since best first their order may
    /// be another by the time that it is asked for.
    pub fn cut_rest<I: Into<Uuid>, W: Serialize>(&self, ids: &mut Vec<I>, whole: &W) -> Result<Option<String>> {
        let limit = usize::try_from(self.limit).map_err(Error::internal)?;
        if ids.len() <= limit {
            return Ok(None);
        }
        let rest: Vec<u8> = ids.split_off(limit).into_iter().flat_map(|id| id.into().into_bytes()).collect();
        self.cursor_at(&(URL_SAFE_NO_PAD.encode(rest), whole)).map(Some)
    }

    /// The cursor that goes on behind `key`.
    pub fn cursor_at(&self, key: &impl Serialize) -> Result<String> {
        let key = serde_json::to_vec(key).map_err(Error::internal)?;
        let mut cursor = self.checksum(&key);
        cursor.extend(key);
        Ok(URL_SAFE_NO_PAD.encode(cursor))
    }

    fn checksum(&self, key: &[u8]) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(&self.list);
        hash.update([0]);
        hash.update(key);
        hash.finalize().iter().take(CHECKSUM).copied().collect()
    }
}

fn refused() -> Error {
    Error::new(Code::CursorInvalid, "The cursor belongs to another list, sort or filter, or was changed.")
}

/// Whether PostgreSQL takes all that is in a key: the checksum has no secret, so anybody can make one up.
fn is_storable(key: &Value) -> bool {
    match key {
        Value::String(text) => {
            let time = text.parse::<DateTime<Utc>>();
            !text.contains('\0') && time.map_or(true, |time| is_of_four_digits(&time))
        }
        Value::Array(parts) => parts.iter().all(is_storable),
        _ => true,
    }
}

/// The page of a list as it is answered: a named type for each, since generated clients want names.
macro_rules! list_of {
    ($(#[$meta:meta])* pub struct $name:ident($entry:ty);) => {
        crate::http::page::list_of! { @ $(#[$meta])* $name $entry, }
    };
    // One that can be searched.
    ($(#[$meta:meta])* pub struct $name:ident($entry:ty), searched;) => {
        crate::http::page::list_of! { @ $(#[$meta])* $name $entry,
            /// With `q`, and where a filter leaves little of much: whether looking on ended before the page was full.
            /// `next_cursor` goes on from there.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(nullable = false)]
            pub truncated: Option<bool>,
        }
    };
    (@ $(#[$meta:meta])* $name:ident $entry:ty, $($more:tt)*) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
        pub struct $name {
            pub data: Vec<$entry>,
            /// Where the next page begins; null on the last.
            pub next_cursor: Option<String>,
            /// Where `count` was asked for.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(nullable = false)]
            pub count: Option<crate::http::page::Count>,
            $($more)*
        }

        impl $name {
            /// The answer, with a link to the next page.
            pub fn answer(&self) -> crate::error::Result<crate::answer::Answer> {
                Ok(crate::answer::Answer::ok(self)?.next_cursor(self.next_cursor.clone()))
            }
        }
    };
}

pub(crate) use list_of;
