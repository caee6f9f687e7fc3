//! The page that mails and webhooks link to.

use mail_parser::MessageParser;
use serde_json::{Value, json};
use watchfire::model::notification::{Compose, Note, NoteAbout};
use watchfire::model::{Secret, Timestamp};
use watchfire::notify::{Composers, Form, MailComposer, Page, WebhookConfig};

use super::letters::open;

const LINK: &str = "https://wiki.example.com/openai?incident=1&x";

fn composers(form: Form) -> Composers {
    let page = Page::parse("https://wiki.example.com/{service}?incident={incident}&x").unwrap();
    let mail = MailComposer::new("watchfire@example.com", "here").unwrap();
    let hook = WebhookConfig {
        name: "ops".to_owned(),
        url: Secret::new("https://example.com/".to_owned()),
        form,
        secret: None,
    };
    Composers::new(mail.linking(Some(page)), &[hook])
}

#[test]
fn a_mail_links_to_the_page_in_both_of_its_forms() {
    let letter = composers(Form::Watchfire).compose(&open(), "a@example.com");
    let mail = MessageParser::new().parse(&letter.bytes).unwrap();
    let (text, html) = (mail.body_text(0).unwrap(), mail.body_html(0).unwrap());
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| *line == LINK).unwrap();
    assert_eq!(lines[at - 1], "On the web");
    let escaped = LINK.replace('&', "&#38;");
    let link = format!("<a href=\"{escaped}\">{escaped}</a>");
    assert!(html.contains(&link), "{html}");
}

#[test]
fn a_webhook_tells_the_page_in_the_words_of_each_receiver() {
    let told = |form| -> Value {
        let letter = composers(form).compose(&open(), "webhook:ops");
        serde_json::from_slice(&letter.bytes).unwrap()
    };
    assert_eq!(told(Form::Watchfire)["url"], LINK);
    assert_eq!(
        told(Form::PagerDuty)["links"],
        json!([{ "href": LINK, "text": "On the web" }])
    );
    let escaped = format!("\n<{}>", LINK.replace('&', "&amp;"));
    let slack = told(Form::Slack)["text"].as_str().unwrap().to_owned();
    assert!(slack.ends_with(&escaped), "{slack}");
}

#[test]
fn what_is_about_no_incident_has_no_link_that_names_one() {
    let note = Note {
        about: NoteAbout::Late {
            from: Timestamp::EPOCH,
            to: Timestamp::EPOCH,
            waiting: 1,
            folded: 0,
        },
        at: Timestamp::EPOCH,
        location: "here".to_owned(),
    };
    let letter = composers(Form::Watchfire).note(&note, "a@example.com");
    let text = String::from_utf8(letter.bytes).unwrap();
    assert!(!text.contains("On the web") && !text.contains("wiki.example.com"));
}
