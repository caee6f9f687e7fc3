//! The forms of a web page, and what a browser would send for them. The one place that takes HTML apart.
//!
//! Tag soup as it comes; no scripts, so that a form which a script makes is not there. Templates, disabled controls and
//! buttons that were not pressed send nothing (WHATWG HTML, 4.10.21.4).

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

/// More forms than a page has; the rest is passed over.
const MOST_FORMS: usize = 100;
/// More controls than a page has; the rest is passed over.
const MOST_CONTROLS: usize = 2_000;

/// The forms of a page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// In the order of the page.
    pub forms: Vec<Form>,
    /// Where relative addresses begin, when the page says so (`<base href>`).
    pub base: Option<String>,
    /// Controls outside of all forms.
    loose: Vec<Control>,
}

/// A form.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub id: String,
    pub name: String,
    /// Where it is sent to, relative to the page; empty for the page itself.
    pub action: String,
    /// Whether it is sent with POST.
    pub post: bool,
    /// Whether it is sent as multipart/form-data.
    pub multipart: bool,
    controls: Vec<Control>,
}

#[derive(Debug)]
struct Control {
    name: String,
    value: String,
    kind: Kind,
    /// `form="id"`: it belongs to another form than the one around it.
    owner: Option<String>,
    disabled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sent as it is.
    Value,
    /// A check box or a radio button: sent when it is checked.
    Choice { checked: bool },
    /// Sent when it is the one that is pressed.
    Submit,
    /// Never sent: a mere button, a reset.
    Nothing,
}

impl Page {
    /// Takes a page apart. Whatever it is, something comes of it.
    pub(super) fn read(html: &[u8]) -> Self {
        let mut emitter = DefaultEmitter::default();
        // Without this a script's text would be read as tags.
        emitter.naively_switch_states(true);
        let mut reader = Reader::default();
        for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Token::StartTag(tag) => reader.start(&tag),
                Token::EndTag(tag) => reader.end(&tag.name),
                Token::String(text) => reader.text(&text),
                _ => {}
            }
        }
        reader.page()
    }

    /// A form by `#id`, by its name, or by its number from 1.
    pub(super) fn form(&self, wanted: &str) -> Option<&Form> {
        if let Some(id) = wanted.strip_prefix('#') {
            return self.forms.iter().find(|form| form.id == id);
        }
        let is_named = |form: &&Form| !wanted.is_empty() && form.name == wanted;
        let named = self.forms.iter().find(is_named);
        let number = || wanted.parse::<usize>().ok()?.checked_sub(1);
        named.or_else(|| self.forms.get(number()?))
    }

    /// The first form that has all these controls, or else the first one.
    pub(super) fn form_with<'n>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<&Form> {
        let fits = |form: &&Form| names.clone().all(|name| form.has(name));
        self.forms.iter().find(fits).or(self.forms.first())
    }

    /// The value of the first control of that name, wherever it stands.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let controls = self.forms.iter().flat_map(|form| &form.controls);
        controls
            .chain(&self.loose)
            .find(|control| control.name == name)
            .map(|control| control.value.as_str())
    }

    /// The forms in few words, for a message: `#login, search`.
    pub(super) fn listed(&self) -> String {
        if self.forms.is_empty() {
            return "it has no form".to_owned();
        }
        let name = |(number, form): (usize, &Form)| match (&*form.id, &*form.name) {
            ("", "") => (number + 1).to_string(),
            ("", name) => name.to_owned(),
            (id, _) => format!("#{id}"),
        };
        let names: Vec<_> = self.forms.iter().take(10).enumerate().map(name).collect();
        format!("its forms are {}", names.join(", "))
    }
}

impl Form {
    fn has(&self, name: &str) -> bool {
        self.controls.iter().any(|control| control.name == name)
    }

    /// What a browser sends when these controls were filled in and the form was sent off by its first button, or by the
    /// button that is among them. Errs with the name of a control that the form has not.
    pub(super) fn filled(
        &self,
        fields: &[(String, String)],
    ) -> Result<Vec<(String, String)>, String> {
        if let Some((name, _)) = fields.iter().find(|(name, _)| !self.has(name)) {
            return Err(name.clone());
        }
        let given = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v);
        let is_submit = |control: &&Control| control.kind == Kind::Submit && !control.disabled;
        let buttons = || self.controls.iter().filter(is_submit);
        let pressed = buttons()
            .find(|button| given(&button.name).is_some())
            .or_else(|| buttons().next());
        let mut pairs: Vec<(String, String)> = Vec::new();
        for control in &self.controls {
            if control.name.is_empty() {
                continue;
            }
            let value = match (given(&control.name), control.kind) {
                (Some(_), _) if pairs.iter().any(|(name, _)| *name == control.name) => continue,
                (Some(value), _) => value,
                (None, _) if control.disabled => continue,
                (None, Kind::Value | Kind::Choice { checked: true }) => &control.value,
                (None, Kind::Submit) if pressed.is_some_and(|p| std::ptr::eq(p, control)) => {
                    &control.value
                }
                (None, _) => continue,
            };
            pairs.push((control.name.clone(), value.clone()));
        }
        Ok(pairs)
    }

    /// The names of its controls, for a message.
    pub(super) fn listed(&self) -> String {
        let named = self.controls.iter().map(|control| control.name.as_str());
        let mut names: Vec<&str> = named.filter(|name| !name.is_empty()).take(20).collect();
        names.dedup();
        match names.is_empty() {
            true => "it has none".to_owned(),
            false => format!("it has {}", names.join(", ")),
        }
    }
}

/// The state between two tokens.
#[derive(Default)]
struct Reader {
    page: Page,
    /// Within `<form>`.
    inside: bool,
    /// Within so many `<template>`s: what stands there is not on the page.
    templates: usize,
    /// Within so many `<fieldset disabled>`s and the fieldsets in them.
    disabled: usize,
    controls: usize,
    open: Open,
}

/// A control whose value is its content.
#[derive(Default)]
enum Open {
    #[default]
    None,
    Area(Control),
    Select {
        control: Control,
        options: usize,
        chosen: bool,
        /// The option's text is its value.
        by_text: bool,
    },
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        if name == b"template" {
            self.templates += usize::from(!tag.self_closing);
        }
        if self.templates > 0 {
            return;
        }
        match name {
            b"base" if self.page.base.is_none() => self.page.base = attribute(tag, "href"),
            b"form" if !self.inside => self.form(tag),
            b"fieldset" if self.disabled > 0 || has(tag, "disabled") => self.disabled += 1,
            b"input" | b"button" => {
                let control = self.control(tag);
                self.add(control);
            }
            b"textarea" => {
                self.close();
                self.open = Open::Area(self.control(tag));
            }
            b"select" => {
                self.close();
                self.open = Open::Select {
                    control: self.control(tag),
                    options: 0,
                    chosen: false,
                    by_text: false,
                };
            }
            b"option" => self.option(tag),
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"template" => self.templates = self.templates.saturating_sub(1),
            _ if self.templates > 0 => {}
            b"form" => {
                self.close();
                self.inside = false;
            }
            b"fieldset" => self.disabled = self.disabled.saturating_sub(1),
            b"textarea" | b"select" => self.close(),
            b"option" => {
                if let Open::Select { by_text, .. } = &mut self.open {
                    *by_text = false;
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &[u8]) {
        match &mut self.open {
            Open::Area(control) => {
                let text = String::from_utf8_lossy(text);
                // A line break right after the tag is not part of the text.
                let text = match control.value.is_empty() {
                    true => text.strip_prefix('\n').unwrap_or(&text),
                    false => &text,
                };
                control.value.push_str(text);
            }
            Open::Select {
                control,
                by_text: true,
                ..
            } => control.value.push_str(String::from_utf8_lossy(text).trim()),
            _ => {}
        }
    }

    fn form(&mut self, tag: &StartTag<()>) {
        if self.page.forms.len() == MOST_FORMS {
            return;
        }
        self.inside = true;
        let word = |name| attribute(tag, name).unwrap_or_default();
        let is = |name, value: &str| word(name).trim().eq_ignore_ascii_case(value);
        self.page.forms.push(Form {
            id: word("id"),
            name: word("name"),
            action: word("action").trim().to_owned(),
            post: is("method", "post"),
            multipart: is("enctype", "multipart/form-data"),
            controls: Vec::new(),
        });
    }

    fn control(&self, tag: &StartTag<()>) -> Control {
        let button = *tag.name == *b"button";
        let input = *tag.name == *b"input";
        let word = attribute(tag, "type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let checked = has(tag, "checked");
        let kind = match (word.as_str(), button, input) {
            ("submit" | "image", _, true) => Kind::Submit,
            ("reset" | "button" | "file", _, true) | ("reset" | "button", true, _) => Kind::Nothing,
            (_, true, _) => Kind::Submit,
            ("checkbox" | "radio", _, true) => Kind::Choice { checked },
            _ => Kind::Value,
        };
        let usual = if matches!(kind, Kind::Choice { .. }) {
            "on"
        } else {
            ""
        };
        Control {
            name: attribute(tag, "name").unwrap_or_default(),
            value: attribute(tag, "value").unwrap_or_else(|| usual.to_owned()),
            kind,
            owner: attribute(tag, "form"),
            disabled: self.disabled > 0 || has(tag, "disabled"),
        }
    }

    fn option(&mut self, tag: &StartTag<()>) {
        let Open::Select {
            control,
            options,
            chosen,
            by_text,
        } = &mut self.open
        else {
            return;
        };
        *options += 1;
        let selected = has(tag, "selected");
        *by_text = false;
        // Without a selected one the first counts.
        if (selected && !*chosen) || *options == 1 {
            let value = attribute(tag, "value");
            *by_text = value.is_none();
            control.value = value.unwrap_or_default();
            *chosen = selected;
        }
    }

    fn close(&mut self) {
        match std::mem::take(&mut self.open) {
            Open::None => {}
            Open::Area(control) | Open::Select { control, .. } => self.add(control),
        }
    }

    fn add(&mut self, control: Control) {
        self.controls += 1;
        if self.controls > MOST_CONTROLS {
            return;
        }
        match self.page.forms.last_mut() {
            Some(form) if self.inside && control.owner.is_none() => form.controls.push(control),
            _ => self.page.loose.push(control),
        }
    }

    fn page(mut self) -> Page {
        self.close();
        let mut page = self.page;
        for control in std::mem::take(&mut page.loose) {
            let owner = control.owner.as_deref().filter(|id| !id.is_empty());
            match owner.and_then(|id| page.forms.iter_mut().find(|form| form.id == id)) {
                Some(form) => form.controls.push(control),
                None => page.loose.push(control),
            }
        }
        page
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn has(tag: &StartTag<()>, name: &str) -> bool {
    tag.attributes.contains_key(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(html: &str, fields: &[(&str, &str)]) -> Result<String, String> {
        let page = Page::read(html.as_bytes());
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        let form = page
            .form_with(fields.iter().map(|(name, _)| name.as_str()))
            .expect("there is a form");
        let pairs = form.filled(&fields)?;
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
        Ok(pairs.join(" "))
    }

    #[test]
    fn a_form_sends_what_a_browser_would() {
        for (controls, wanted) in [
            (
                "<input type=hidden name=t value='a&amp;b'><input name=u>",
                "t=a&b u=",
            ),
            (
                "<input type=checkbox name=a checked><input type=checkbox name=b>",
                "a=on",
            ),
            (
                "<input type=radio name=r value=1><input type=radio name=r value=2 checked>",
                "r=2",
            ),
            (
                "<input type=submit name=go value=Go><button name=other value=x>",
                "go=Go",
            ),
            ("<button type=button name=n value=1>", ""),
            ("<input type=reset name=n><input type=file name=f>", ""),
            (
                "<input name=d value=1 disabled><fieldset disabled><input name=e value=1></fieldset><input name=f value=1>",
                "f=1",
            ),
            ("<textarea name=x>\na\nb</textarea>", "x=a\nb"),
            (
                "<select name=s><option value=1>one<option value=2 selected>two</select>",
                "s=2",
            ),
            (
                "<select name=s><option> one </option><option>two</option></select>",
                "s=one",
            ),
            (
                "<script>'<input name=no value=1>'</script><!-- <input name=no> -->",
                "",
            ),
            (
                "<template><input name=no value=1></template><input name=y value=1>",
                "y=1",
            ),
            ("<input value=unnamed><INPUT NAME=Up VALUE=1>", "Up=1"),
        ] {
            let html = format!("<p><form action=/x>{controls}</form>");
            assert_eq!(sent(&html, &[]).as_deref(), Ok(wanted), "{controls}");
        }
    }

    #[test]
    fn what_is_filled_in_takes_the_place_of_what_was_there() {
        let html = "<form><input name=q></form><form id=l><input name=u value=old><input type=password name=p>\
                    <input type=radio name=r value=1 checked><input type=radio name=r value=2>\
                    <button name=a value=1>A</button><button name=b value=2>B</button></form>\
                    <input form=l name=far value=9>";
        let fields = [("u", "me"), ("p", "x y"), ("r", "2"), ("b", "2")];
        assert_eq!(
            sent(html, &fields).as_deref(),
            Ok("u=me p=x y r=2 b=2 far=9")
        );
        assert_eq!(sent(html, &[("user", "me")]), Err("user".to_owned()));
    }

    #[test]
    fn a_form_is_found_by_id_name_or_number() {
        let page = Page::read(
            b"<base href='/b/'><form name=one></form><form id=two METHOD=Post enctype=multipart/form-data action=' /go '></form>",
        );
        assert_eq!(page.base.as_deref(), Some("/b/"));
        let two = page.form("#two").unwrap();
        assert!(two.post && two.multipart && two.action == "/go");
        assert!(std::ptr::eq(page.form("2").unwrap(), two));
        assert!(std::ptr::eq(
            page.form("one").unwrap(),
            page.form("1").unwrap()
        ));
        for absent in ["0", "3", "#one", "", "-1", "99999999999999999999"] {
            assert!(page.form(absent).is_none(), "{absent}");
        }
        assert_eq!(page.listed(), "its forms are one, #two");
    }

    #[test]
    fn a_value_is_found_wherever_its_control_stands() {
        let page = Page::read(b"<input name=loose value=1><form><input name=in value=2></form>");
        assert_eq!(
            (page.value("loose"), page.value("in")),
            (Some("1"), Some("2"))
        );
        assert_eq!(page.value("none"), None);
    }
}
