//! The handler of search.

use actix_web::get;
use actix_web::web::Data;

use super::find;
use super::types::{SearchFilter, SearchPageParams, SearchSections};
use crate::actor::Caller;
use crate::answer::Answer;
use crate::db::Db;
use crate::error::Result;
use crate::http::page::UncountedList;

/// Search everything
///
/// Profiles, contacts, messages, notes and the names of files, in any language: whole words, and the last one as far as
/// it is typed; accents and case don't matter, and plain words are found in their other forms, too, in the
/// organization's language. `"An exact phrase"` is found word for word; `-without` leaves out what has the word.
/// In scripts without spaces any letters are found that stand together. All words of a message must be in that message.
/// What a mail quotes, and its signature, weigh less than what was written. Profiles and contacts are found by the
/// beginning of each word; what is quoted must be in the name, or in what else of them was found, and what is left out in
/// neither. What stands behind the first 500,000 characters of a text isn't found, nor what is more than 512 KiB of
/// different words.
#[utoipa::path(tag = "search", params(SearchFilter, SearchPageParams), responses(
    (status = 200, description = "What was found: one section, or all of them.", body = SearchSections),
))]
#[get("/v1/search")]
pub async fn search(caller: Caller, list: UncountedList<SearchFilter>, db: Data<Db>) -> Result<Answer> {
    let found = db.read(&caller, move |tx| find::sections(tx, &list.0)).await?;
    let next_cursor = match found.sections.as_slice() {
        [only] => only.next_cursor.clone(),
        _ => None,
    };
    Ok(Answer::ok(&found)?.next_cursor(next_cursor))
}
