//! A value of one type as a value of another: a pure rule.
//!
//! Every type has a text: a number its JSON, a boolean `true` or `false`, an option its value, the others themselves.
//! A value is converted when its text is a value of the new type; several options are only those of a multi_select.

use serde_json::Value;

use super::types::{FieldType, ProfileField};
use super::value::{Refusal, Rules, canonical, fit, read};
use crate::error::FieldCode;

/// The value as the field `to` keeps it, or what is wrong with it. `country` completes telephone numbers.
pub fn convert(to: &ProfileField, value: &Value, country: &str) -> Result<Value, Refusal> {
    let converted = match value {
        Value::String(text) => from_text(to, text, country),
        Value::Array(options) => match options.as_slice() {
            _ if to.field_type == FieldType::MultiSelect => {
                canonical(to, value, &Rules { country, present: Some(value) })
            }
            [Value::String(only)] => from_text(to, only, country),
            _ => Err((FieldCode::Several, "has several values where one is taken".to_owned())),
        },
        other => from_text(to, &other.to_string(), country),
    };
    converted.and_then(|converted| fit(to, converted))
}

/// A text may also be the label of an option.
fn from_text(to: &ProfileField, text: &str, country: &str) -> Result<Value, Refusal> {
    let options = to.options.as_deref().filter(|_| to.field_type.has_options()).unwrap_or_default();
    let option = options
        .iter()
        .find(|option| option.value == text)
        .or_else(|| options.iter().find(|option| option.label == text));
    read(to, option.map_or(text, |option| &option.value), country)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::types::FieldOption;
    use super::super::value::{check, tests::field};
    use super::*;

    fn converted(to: FieldType, value: Value) -> Result<Value, &'static str> {
        convert(&field(to), &value, "NL").map_err(|(code, _)| code.as_str())
    }

    #[test]
    fn a_value_is_converted_when_its_text_is_one_of_the_new_type() {
        use FieldType::{Boolean, Date, Email, MultiSelect, Number, Phone, Select, Text, Url};
        for (value, to, expected) in [
            (json!("5.0"), Number, Ok(json!(5))),
            (json!("1e3"), Number, Ok(json!(1000))),
            (json!("05"), Number, Err("type")),
            (json!("1,5"), Number, Err("type")),
            (json!(0.1), Text, Ok(json!("0.1"))),
            (json!(5), Date, Err("date")),
            (json!("2024-02-29"), Date, Ok(json!("2024-02-29"))),
            (json!("29-02-2024"), Date, Err("date")),
            (json!("gold"), Select, Ok(json!("gold"))),
            (json!("GOLD"), Select, Ok(json!("gold"))),
            (json!("tin"), Select, Ok(json!("tin"))),
            (json!("lead"), Select, Err("option")),
            (json!("gold"), MultiSelect, Ok(json!(["gold"]))),
            (json!(["gold"]), Select, Ok(json!("gold"))),
            (json!(["gold", "silver"]), Select, Err("several")),
            (json!(["gold", "silver"]), Text, Err("several")),
            (json!(["gold"]), Text, Ok(json!("gold"))),
            (json!("Ada@Example.com"), Email, Ok(json!("ada@example.com"))),
            (json!("ada"), Email, Err("email")),
            (json!("https://example.com"), Url, Ok(json!("https://example.com/"))),
            (json!("06 12345678"), Phone, Ok(json!("+31612345678"))),
            (json!(true), Text, Ok(json!("true"))),
            (json!("false"), Boolean, Ok(json!(false))),
            (json!("yes"), Boolean, Err("type")),
            (json!(1), Boolean, Err("type")),
        ] {
            assert_eq!(converted(to, value.clone()), expected, "{value} to {to}");
        }
    }

    #[test]
    fn an_option_is_a_boolean_and_back() {
        let mut select = field(FieldType::Select);
        let option = |value: &str| FieldOption { value: value.to_owned(), label: value.to_owned(), retired: false };
        select.options = Some(vec![option("true"), option("false")]);
        assert_eq!(convert(&select, &json!(true), "NL"), Ok(json!("true")));
        assert_eq!(converted(FieldType::Boolean, json!("true")), Ok(json!(true)));
    }

    proptest! {
        #[test]
        fn what_becomes_text_comes_back_as_it_was(
            text in "[^\\PC\0]{1,40}", number in proptest::num::f64::NORMAL, whole in any::<i32>(), choice in 0..2_usize,
            yes in any::<bool>(), day in 1..3_000_000_i32,
        ) {
            let date = chrono::NaiveDate::from_num_days_from_ce_opt(day).map(|day| day.format("%Y-%m-%d").to_string());
            let option = ["gold", "silver"][choice];
            let written = [json!(text), json!(number), json!(whole), json!(yes), json!(date), json!(option), json!([option])];
            for from in FieldType::ALL {
                for value in &written {
                    let rules = Rules { country: "NL", present: None };
                    let Ok(kept) = check(&field(*from), value, &rules) else { continue };
                    let Ok(as_text) = converted(FieldType::Text, kept.clone()) else { continue };
                    prop_assert_eq!(converted(*from, as_text), Ok(kept), "{}", from);
                }
            }
        }

        #[test]
        fn what_is_converted_is_a_value_of_its_new_type(text in "\\PC{1,20}", number in -1e6..1e6_f64) {
            for to in FieldType::ALL {
                for value in [json!(text), json!(number), json!([text]), json!(true), json!("gold"), json!("2024-02-29")] {
                    if let Ok(new) = converted(*to, value) {
                        let rules = Rules { country: "NL", present: None };
                        prop_assert_eq!(check(&field(*to), &new, &rules).ok(), Some(new.clone()));
                        // And converting it again changes nothing.
                        prop_assert_eq!(converted(*to, new.clone()), Ok(new));
                    }
                }
            }
        }
    }
}
