use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ids::ProfileFieldId;
use crate::profile_fields::types::FieldOption;

pub fn field(field_type: FieldType) -> ProfileField {
    let option = |value: &str, retired| FieldOption { value: value.to_owned(), label: value.to_uppercase(), retired };
    let now = chrono::Utc::now();
    ProfileField {
        id: ProfileFieldId::new(),
        key: "key".to_owned(),
        label: "Key".to_owned(),
        description: None,
        field_type,
        options: field_type
            .has_options()
            .then(|| vec![option("gold", false), option("silver", false), option("tin", true)]),
        required: false,
        unique: false,
        searchable: true,
        default: None,
        position: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

const RULES: Rules = Rules { country: "NL", present: None };

fn kept(field_type: FieldType, value: Value) -> Result<Value, String> {
    check(&field(field_type), &value, &RULES).map_err(|error| error.code.as_str().to_owned())
}

fn sorted(field_type: FieldType, value: Value) -> String {
    indexed(&field(field_type), &value).pop().map(|one| one.sort_value).unwrap_or_default()
}

#[test]
fn each_type_keeps_its_values_in_one_form() {
    for (field_type, written, canonical) in [
        (FieldType::Text, json!(" Ada "), json!("Ada")),
        (FieldType::Number, json!(5.0), json!(5)),
        (FieldType::Number, json!(-0.0), json!(0)),
        (FieldType::Number, json!(0.1), json!(0.1)),
        (FieldType::Number, json!(999_999_999_999_999_i64), json!(999_999_999_999_999_i64)),
        (FieldType::Boolean, json!(false), json!(false)),
        (FieldType::Date, json!("2024-02-29"), json!("2024-02-29")),
        (FieldType::Select, json!("gold"), json!("gold")),
        (FieldType::MultiSelect, json!(["silver", "gold", "silver"]), json!(["gold", "silver"])),
        (FieldType::Url, json!("HTTPS://Example.com"), json!("https://example.com/")),
        (FieldType::Email, json!("Ada@Example.com"), json!("ada@example.com")),
        (FieldType::Phone, json!("06 12345678"), json!("+31612345678")),
    ] {
        assert_eq!(kept(field_type, written), Ok(canonical), "{field_type}");
    }
}

#[test]
fn what_does_not_fit_its_type_is_refused() {
    for (field_type, written, code) in [
        (FieldType::Text, json!(5), "type"),
        (FieldType::Text, json!(" "), "blank"),
        (FieldType::Number, json!("5"), "type"),
        (FieldType::Number, json!(0.1 + 0.2), "digits"),
        (FieldType::Number, json!(1_234_567_890_123_456_i64), "digits"),
        (FieldType::Boolean, json!("true"), "type"),
        (FieldType::Date, json!("2023-02-29"), "date"),
        (FieldType::Date, json!("2024-2-9"), "date"),
        (FieldType::Select, json!("lead"), "option"),
        (FieldType::Select, json!("tin"), "option"),
        (FieldType::MultiSelect, json!("gold"), "type"),
        (FieldType::MultiSelect, json!([]), "blank"),
        (FieldType::Url, json!("javascript:alert(1)"), "url"),
        (FieldType::Email, json!("ada"), "email"),
        (FieldType::Phone, json!("12"), "phone"),
    ] {
        assert_eq!(kept(field_type, written), Err(code.to_owned()), "{field_type}");
    }
}

#[test]
fn a_retired_option_stays_where_it_was_chosen() {
    let present = json!("tin");
    let rules = Rules { present: Some(&present), ..RULES };
    assert_eq!(check(&field(FieldType::Select), &json!("tin"), &rules), Ok(json!("tin")));
}

#[test]
fn a_unique_value_fits_its_index() {
    let unique = ProfileField { unique: true, ..field(FieldType::Text) };
    assert!(check(&unique, &json!("x".repeat(255)), &RULES).is_ok());
    assert!(check(&unique, &json!("x".repeat(256)), &RULES).is_err());
}

proptest! {
    #[test]
    fn what_is_kept_is_kept_again(text in "\\PC{0,40}", number in proptest::num::f64::NORMAL) {
        for field_type in FieldType::ALL {
            for value in [json!(text), json!(number), json!([text]), json!({ "a": text }), Value::Null] {
                if let Ok(canonical) = kept(*field_type, value) {
                    prop_assert_eq!(kept(*field_type, canonical.clone()), Ok(canonical));
                }
            }
        }
    }

    #[test]
    fn numbers_sort_as_numbers(one in -1e15..1e15_f64, other in -1e15..1e15_f64) {
        prop_assert_eq!(
            one.partial_cmp(&other),
            Some(sorted(FieldType::Number, json!(one)).cmp(&sorted(FieldType::Number, json!(other))))
        );
    }

    #[test]
    fn dates_sort_as_dates(one in 0..3_000_000_i32, other in 0..3_000_000_i32) {
        let date = |days| NaiveDate::from_num_days_from_ce_opt(days + 1).map(|day| day.format("%Y-%m-%d").to_string());
        prop_assert_eq!(one.cmp(&other), date(one).cmp(&date(other)));
    }

    #[test]
    fn whole_numbers_of_fifteen_digits_come_back_as_they_were(number in -999_999_999_999_999..=999_999_999_999_999_i64) {
        prop_assert_eq!(kept(FieldType::Number, json!(number)), Ok(json!(number)));
    }

    #[test]
    fn a_filter_finds_what_was_kept(text in "[^\\PC\0]{1,40}") {
        let of_text = field(FieldType::Text);
        if let Ok(canonical) = check(&of_text, &json!(text), &RULES) {
            prop_assert_eq!(query_value(&of_text, &text, "NL").ok(), indexed(&of_text, &canonical).pop());
        }
    }
}
