//! Names of customers: of people and companies, in several scripts, common ones more often than rare ones.

use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// Names that go together.
#[derive(Default)]
struct Locale {
    first: Vec<String>,
    last: Vec<String>,
    /// What stands between the two, when something does.
    between: &'static [&'static str],
    is_unspaced: bool,
}

pub struct Names {
    locales: Vec<Locale>,
    companies: Vec<String>,
}

const DUTCH: (&str, &str) = (
    "Jan Anna Piet Maria Kees Johanna Willem Sanne Daan Emma Sem Julia Lucas Sophie Bram Eva Thijs Lotte Gijs Femke \
     Ruben Anouk Joost Marieke Sjoerd Tjitske Wouter Annelies Matthijs Jacqueline Hendrik Wilhelmina René Zoë Noël Anaïs",
    "Jansen Vries Berg Bakker Dijk Visser Smit Meijer Boer Mulder Groot Bos Vos Peters Hendriks Leeuwen Dekker Brouwer \
     Wit Dijkstra Smits Graaf Meer Linden Kok Jacobs Haan Vermeulen Heuvel Veen Broek Bruijn Heijden Schouten Beek",
);
const GERMAN: (&str, &str) = (
    "Jürgen Anna Hans Käthe Lukas Mia Felix Hannah Björn Sören Günther Ursula Jörg Heike Uwe Sabine Wolfgang Renate",
    "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf \
     Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Weiß Groß Strauß Köhler König Jäger",
);
const ENGLISH: (&str, &str) = (
    "James Mary John Patricia Robert Jennifer Michael Linda William Elizabeth David Barbara Richard Susan Joseph Jessica \
     Thomas Sarah Charles Karen Christopher Margaret Daniel Sandra Matthew Ashley Anthony Emily Mark Donna Siobhán Seán",
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Wilson Anderson Taylor Thomas Moore \
     Jackson Martin Lee Thompson White Harris Clark Lewis Robinson Walker Young Allen King Wright O'Neill O'Brien",
);
const POLISH: (&str, &str) = (
    "Łukasz Małgorzata Paweł Agnieszka Michał Katarzyna Tomasz Joanna Wojciech Elżbieta Grzegorz Żaneta Stanisław Zofia",
    "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski",
);
const FRENCH: (&str, &str) = (
    "Élodie François Chloé Jérôme Aurélie Benoît Camille Théo Léa Hélène Cédric Mélanie Gaël Océane Stéphane Régis",
    "Lefèvre Moreau Dubois Rousseau Girard Lemaître Benoît Béranger Desprès Garçon Hébert Noël Pélissier Fournier",
);
const RUSSIAN: (&str, &str) = (
    "Александр Мария Дмитрий Анна Сергей Елена Алексей Ольга Фёдор Наталья Артём Ирина Михаил Татьяна",
    "Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Семёнов",
);
const GREEK: (&str, &str) = (
    "Γιώργος Μαρία Δημήτρης Ελένη Κωνσταντίνος Αικατερίνη Ιωάννης Βασιλική",
    "Παπαδόπουλος Γεωργίου Δημητρίου Νικολάου Ιωάννου Αντωνίου Παναγιωτόπουλος Οικονόμου",
);
const ARABIC: (&str, &str) =
    ("محمد فاطمة أحمد عائشة علي زينب يوسف مريم", "العلي الحسن المصري الشامي الخطيب النجار الحداد القاضي");
const CHINESE: (&str, &str) =
    ("伟 芳 娜 秀英 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀兰 霞", "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高");
const TRADES: &str =
    "Bouw Transport Techniek Advies Logistics Software Consulting Media Foods Holding Trading Services";
const FORMS: &str = "BV NV GmbH Ltd Inc SA AB Oy";
const DUTCH_BETWEEN: &[&str] = &["van", "de", "van der", "van den", "ter"];

/// Endings that make a rarer name of a common one, as names have come about.
const ENDINGS: [&str; 16] =
    ["", "s", "man", "sen", "stra", "ma", "hof", "berg", "dal", "beek", "stein", "feld", "wood", "ski", "ova", "ton"];

impl Names {
    /// Those in a folder of name lists when there is one, else short lists of our own.
    pub fn load(folder: Option<&Path>) -> Self {
        let mut names = folder.and_then(|folder| Self::read(folder).ok()).unwrap_or_else(Self::own);
        // Lists are written in the order of the alphabet: which name is common is drawn.
        let rng = &mut StdRng::seed_from_u64(1);
        names.companies.shuffle(rng);
        for locale in &mut names.locales {
            locale.first.shuffle(rng);
            locale.last.shuffle(rng);
        }
        names
    }

    /// `faker-js-person-names.tsv` (locale, first or last, name) and `nsi_company_names.txt`.
    fn read(folder: &Path) -> std::io::Result<Self> {
        let people = std::fs::read_to_string(folder.join("faker-js-person-names.tsv"))?;
        let companies = std::fs::read_to_string(folder.join("nsi_company_names.txt"))?;
        let mut locales: BTreeMap<&str, Locale> = BTreeMap::new();
        for line in people.lines() {
            let mut columns = line.split('\t');
            let (Some(locale), Some(part), Some(name)) = (columns.next(), columns.next(), columns.next()) else {
                continue;
            };
            let of = locales.entry(locale).or_default();
            match part {
                "first" => of.first.push(name.to_owned()),
                _ => of.last.push(name.to_owned()),
            }
            of.is_unspaced = ["zh", "ja", "ko"].iter().any(|unspaced| locale.starts_with(unspaced));
            of.between = if locale.starts_with("nl") { DUTCH_BETWEEN } else { &[] };
        }
        let locales = locales.into_values().filter(|locale| !locale.first.is_empty() && !locale.last.is_empty());
        let companies = companies.lines().map(str::trim).filter(|name| !name.is_empty() && name.chars().count() <= 200);
        Ok(Self { locales: locales.collect(), companies: companies.map(str::to_owned).collect() })
    }

    fn own() -> Self {
        let split = |names: &str| -> Vec<String> { names.split_whitespace().map(str::to_owned).collect() };
        let mut locales = Vec::new();
        for (first, last) in [DUTCH, GERMAN, ENGLISH, POLISH, FRENCH] {
            let last =
                ENDINGS.iter().flat_map(|ending| split(last).into_iter().map(move |name| name + ending)).collect();
            let between = if first == DUTCH.0 { DUTCH_BETWEEN } else { &[] };
            locales.push(Locale { first: split(first), last, between, is_unspaced: false });
        }
        for (first, last) in [RUSSIAN, GREEK, ARABIC, CHINESE] {
            let is_unspaced = first == CHINESE.0;
            locales.push(Locale { first: split(first), last: split(last), between: &[], is_unspaced });
        }
        let (trades, forms) = (split(TRADES), split(FORMS));
        let companies = locales
            .iter()
            .flat_map(|locale| &locale.last)
            .enumerate()
            .map(|(place, name)| format!("{name} {} {}", trades[place % trades.len()], forms[place % forms.len()]));
        Self { companies: companies.collect(), locales }
    }

    /// A name, and whether it is a company's.
    pub fn draw(&self, rng: &mut StdRng) -> (String, bool) {
        if rng.random_bool(0.15) {
            return (common(rng, &self.companies).clone(), true);
        }
        let locale = common(rng, &self.locales);
        let (first, last) = (common(rng, &locale.first), common(rng, &locale.last));
        let name = match locale.between {
            _ if locale.is_unspaced => format!("{last}{first}"),
            [] => format!("{first} {last}"),
            _ if rng.random_bool(0.6) => format!("{first} {last}"),
            between => format!("{first} {} {last}", common(rng, between)),
        };
        (name, false)
    }
}

/// One of them, the first ones more often.
fn common<'a, T>(rng: &mut StdRng, all: &'a [T]) -> &'a T {
    let place = rng.random::<f64>().powi(2) * all.len() as f64;
    &all[place as usize % all.len()]
}
