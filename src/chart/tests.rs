//! Whole figures: what stands in the document, and that nothing a history can hold breaks it.

use std::time::Duration;

use super::*;
use crate::model::trace::TimeColumn;
use crate::model::{EventKind, IncidentId, Severity, Timestamp};

fn at(clock: &str) -> Timestamp {
    Timestamp::parse(&format!("2023-11-08T{clock}:00Z")).unwrap()
}

fn span(from: &str, to: &str) -> Span {
    Span {
        from: at(from),
        to: at(to),
    }
}

/// Two probes each 30 s from 03:00 to 06:00; half of chat's runs fail from 03:40 to 04:40.
fn outage() -> Figure {
    let hours = span("03:00", "06:00");
    let bad = span("03:40", "04:40");
    let runs = (0..360).flat_map(|n| {
        let at = hours.from + Duration::from_secs(30 * n);
        (0..2).map(move |probe| Run {
            at,
            probe,
            failed: probe == 0 && bad.holds(at) && n % 2 == 0,
            latency_us: 250_000,
        })
    });
    let period = |from, to, severity| Period {
        incident: IncidentId(7),
        span: span(from, to),
        severity,
    };
    let mail = |clock, event| MailMark {
        at: at(clock),
        event,
        severity: Severity::Partial,
    };
    Figure {
        title: "OpenAI, 8 November 2023".to_owned(),
        span: hours,
        time: TimeColumn::Calendar,
        probes: vec!["chat".to_owned(), "login".to_owned()],
        runs: runs.collect(),
        periods: vec![
            period("03:43", "04:44", Some(Severity::Partial)),
            period("04:44", "05:44", None),
        ],
        mails: Some(vec![
            mail("03:43", EventKind::Open),
            mail("04:44", EventKind::Close),
        ]),
        marks: vec![Mark {
            at: at("03:52"),
            label: "status page".to_owned(),
        }],
        latency: false,
        focus: None,
        threshold: None,
    }
}

fn count(svg: &str, part: &str) -> usize {
    svg.matches(part).count()
}

#[test]
fn the_description_tells_what_the_picture_shows() {
    assert_eq!(
        describe(&outage()),
        "OpenAI, 8 November 2023: share of runs that failed, 2 probes together, from 8 Nov 03:00 to 8 Nov 06:00. \
         At most 25 % failed, at 03:40; by probe: chat 50 %; never above 10 %: login. \
         Incident 7, partial at worst: open 03:43 to 04:44. \
         2 mails: 03:43 (down), 04:44 (well). Mark: status page at 03:52."
    );
}

#[test]
fn a_probe_of_which_a_tenth_fails_is_told_by_its_name() {
    let mut figure = outage();
    for run in &mut figure.runs {
        run.failed &= (run.at.as_seconds() as u64).is_multiple_of(300);
    }
    let told = describe(&figure);
    assert!(
        told.contains("by probe: chat 10 %; never above 10 %: login"),
        "{told}"
    );
}

#[test]
fn the_document_names_itself_and_holds_an_envelope_for_each_mail() {
    let svg = svg(&outage(), &Look::WIDE).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("<title id=\"title\">OpenAI, 8 November 2023</title>"));
    assert!(svg.contains(&describe(&outage())));
    assert!(svg.contains("width=\"800\""));
    for word in [
        "status page 03:52",
        "down",
        "well",
        "chat",
        "login",
        "04:00",
        "8 Nov",
    ] {
        assert!(svg.contains(&format!("\n{word}\n")), "{word}\n{svg}");
    }
    // One rectangle is the incident's bar, one its watch.
    let (partial, well) = ("fill=\"#E59A2F\" ", "fill=\"#2E8B57\" ");
    assert_eq!((count(&svg, partial), count(&svg, well)), (0, 0));
    let drawn = |ink: &str| count(&svg, &format!("fill=\"{ink}\"/>"));
    assert_eq!((drawn("#E59A2F"), drawn("#2E8B57")), (2, 2));
}

#[test]
fn a_light_figure_turns_dark_for_who_prefers_it_and_a_dark_one_stays() {
    let light = svg(&outage(), &Look::WIDE).unwrap();
    assert!(light.contains("prefers-color-scheme:dark"));
    assert!(light.contains("[fill=\"#FFFFFF\"]{fill:#12171C}"));
    let dark = Look {
        scheme: Scheme::Dark,
        ..Look::WIDE
    };
    let dark = svg(&outage(), &dark).unwrap();
    assert!(!dark.contains("#FFFFFF") && !dark.contains("<style>"));
    assert!(dark.contains("#12171C"));
}

#[test]
fn the_names_of_the_lanes_are_whole_in_a_narrow_figure_and_those_of_probes_may_be_cut() {
    let mut figure = outage();
    figure.probes[0] = "a-probe-with-quite-a-long-name".to_owned();
    figure.periods[1].incident = IncidentId(8);
    for width in [320, 360, 400] {
        let svg = svg(&figure, &Look::of_width(width)).unwrap();
        for word in ["incidents", "mails"] {
            assert!(
                svg.contains(&format!("\n{word}\n")),
                "{word} at {width}\n{svg}"
            );
        }
        assert!(svg.contains("\na-prob") && svg.contains('…'), "{svg}");
    }
}

#[test]
fn words_from_a_file_cannot_break_the_document() {
    let mut figure = outage();
    figure.title = "</title><script>\u{1}&".to_owned();
    figure.probes[0] = "<b>\"'&".to_owned();
    figure.marks[0].label = "]]><x>".to_owned();
    let svg = svg(&figure, &Look::NARROW).unwrap();
    assert!(!svg.contains("<script") && !svg.contains("<b>") && !svg.contains("<x>"));
    assert!(!svg.contains('\u{1}'));
    assert_eq!(count(&svg, "</title>"), 1);
}

#[test]
fn a_busy_week_of_many_probes_stays_a_small_file() {
    let mut figure = outage();
    figure.probes = (0..40).map(|n| format!("probe-{n}")).collect();
    figure.span.to = figure.span.from + Duration::from_secs(7 * 86_400);
    figure.runs = (0..200_000u64)
        .map(|n| Run {
            at: figure.span.from + Duration::from_secs(n * 3),
            probe: (n % 40) as usize,
            failed: n * n % 7 < 3,
            latency_us: (n % 1000) as u32,
        })
        .collect();
    figure.latency = true;
    for look in [Look::WIDE, Look::NARROW] {
        let svg = svg(&figure, &look).unwrap();
        assert!(svg.len() < 100_000, "{} bytes", svg.len());
    }
}

#[test]
fn odd_figures_are_drawn_too() {
    let nothing = Figure {
        probes: Vec::new(),
        runs: Vec::new(),
        periods: Vec::new(),
        mails: Some(Vec::new()),
        marks: Vec::new(),
        ..outage()
    };
    assert!(describe(&nothing).contains("No runs. No incident. No mail."));
    let backwards = Figure {
        span: span("06:00", "03:00"),
        ..outage()
    };
    let moment = Figure {
        span: span("04:00", "04:00"),
        latency: true,
        ..outage()
    };
    let ages = Figure {
        span: Span {
            from: Timestamp::from_micros(i64::MIN),
            to: Timestamp::from_micros(i64::MAX),
        },
        ..outage()
    };
    for figure in [nothing, backwards, moment, ages] {
        for width in [0, 200, 800, u32::MAX] {
            assert!(svg(&figure, &Look::of_width(width)).is_ok());
        }
    }
}

#[test]
fn a_figure_for_a_mail_sets_its_time_apart_and_says_from_where_on_people_are_told() {
    let figure = Figure {
        focus: Some(span("03:40", "04:40")),
        threshold: Some(0.1),
        latency: true,
        mails: None,
        ..outage()
    };
    let drawn = svg(&figure, &Look::MAIL).unwrap();
    assert!(drawn.contains("no alert below 10 %") && !drawn.contains("\nmails\n"));
    assert_eq!(
        describe(&figure),
        "OpenAI, 8 November 2023: share of runs that failed, 2 probes together, from 8 Nov 03:00 to 8 Nov 06:00. \
         At most 25 % failed, at 03:40; failed from 03:40 to 04:40: chat 61 of 121, login 0 of 121. \
         Incident 7, partial at worst: open 03:43 to 04:44. Below 10 % nobody is told. \
         A good answer took 250 ms (95 % within 250 ms) before it, and 250 ms (95 % within 250 ms) since. \
         Mark: status page at 03:52."
    );
}

#[test]
fn a_picture_is_a_small_png_that_is_the_same_each_time() {
    let first = picture(&outage()).unwrap();
    assert!(first.png.starts_with(b"\x89PNG"));
    assert!(first.png.len() < 30_000, "{} bytes", first.png.len());
    assert_eq!(first.alt, describe(&outage()));
    let decoded = image::load_from_memory(&first.png).unwrap();
    let (width, height) = first.size;
    assert_eq!((decoded.width(), decoded.height()), (2 * width, 2 * height));
    assert_eq!(picture(&outage()).unwrap(), first);
}

#[test]
fn names_of_any_script_and_length_make_a_picture() {
    for name in [
        "",
        "火の番 مراقبة",
        "\u{0}\u{1b}",
        "&<>\"'",
        &"x".repeat(10_000),
        "👩‍🚒\u{202e}",
    ] {
        let mut figure = outage();
        figure.title = name.to_owned();
        figure.probes[0] = name.to_owned();
        assert!(picture(&figure).is_ok(), "{name:?}");
    }
}
