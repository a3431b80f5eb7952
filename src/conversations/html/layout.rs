//! How HTML is laid out as text: as its words alone, but for quotations.

use html2text::render::TextDecorator;

/// Deeper quotations bear no more signs, which would make much of little.
const MAX_SIGNS: usize = 8;

/// Quotations bear the sign that they have in plain text, by which what was written is told from them.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    depth: usize,
}

impl TextDecorator for Layout {
    type Annotation = ();

    fn quote_prefix(&self) -> String {
        String::from(if self.depth < MAX_SIGNS { "> " } else { "" })
    }

    fn make_subblock_decorator(&self) -> Self {
        Self { depth: self.depth + 1 }
    }

    /// Its description, or its title.
    fn decorate_image(&mut self, _: &str, title: &str) -> (String, ()) {
        (title.to_owned(), ())
    }

    fn decorate_link_start(&mut self, _: &str) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_link_end(&mut self) -> String {
        String::new()
    }

    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn header_prefix(&self, _: usize) -> String {
        String::new()
    }

    fn unordered_item_prefix(&self) -> String {
        String::new()
    }

    fn ordered_item_prefix(&self, _: i64) -> String {
        String::new()
    }
}
