//! Claims about prices, as data.

use super::*;

fn price(input: f64, cached: f64, output: f64) -> Price {
    Price {
        input: Some(Rate::usd_per_million(input)),
        cached_input: Some(Rate::usd_per_million(cached)),
        output: Some(Rate::usd_per_million(output)),
        ..Price::default()
    }
}

fn tokens(input: u64, cached: u64, output: u64) -> Usage {
    Usage {
        input_tokens: input,
        cached_tokens: cached,
        output_tokens: output,
        ..Usage::default()
    }
}

fn pictures(n: u32) -> Usage {
    Usage {
        images: n,
        ..Usage::default()
    }
}

#[test]
fn a_run_costs_what_was_counted_times_its_price_rounded_up() {
    let mini = price(0.15, 0.075, 0.6);
    let fixed = Price {
        run: Some(MicroUsd(900)),
        ..mini
    };
    let by_piece = Price {
        image: Some(MicroUsd(5_000)),
        ..Price::default()
    };
    let no_cached = Price {
        cached_input: None,
        ..mini
    };
    let input_only = Price {
        output: None,
        ..mini
    };
    let cases: &[(&str, Price, Usage, Option<u64>)] = &[
        // 40 x 0.15 + 16 x 0.6 = 15.6
        ("a question", mini, tokens(40, 0, 16), Some(16)),
        ("exact", mini, tokens(1_000_000, 0, 0), Some(150_000)),
        ("one token", mini, tokens(1, 0, 0), Some(1)),
        // 24 x 0.15 + 1000 x 0.075 + 10 x 0.6 = 84.6
        (
            "cached tokens are part of the input",
            mini,
            tokens(1_024, 1_000, 10),
            Some(85),
        ),
        (
            "more cached than there are",
            mini,
            tokens(10, 99, 0),
            Some(1),
        ),
        (
            "no price for cached ones",
            no_cached,
            tokens(100, 100, 0),
            Some(15),
        ),
        (
            "no price for a part that was used",
            input_only,
            tokens(10, 0, 1),
            None,
        ),
        (
            "no price for a part that was not used",
            input_only,
            tokens(10, 0, 0),
            Some(2),
        ),
        ("nothing counted", mini, tokens(0, 0, 0), None),
        ("nothing known", Price::default(), tokens(10, 0, 1), None),
        ("by the run", fixed, tokens(0, 0, 0), Some(900)),
        (
            "by the run, whatever was counted",
            fixed,
            tokens(9_999, 0, 9_999),
            Some(900),
        ),
        ("pictures", by_piece, pictures(2), Some(10_000)),
        (
            "a picture in tokens",
            price(5.0, 1.25, 40.0),
            tokens(12, 0, 272),
            Some(10_940),
        ),
        ("a picture without a price", mini, pictures(1), None),
        (
            "tokens of the question beside a picture priced by the piece",
            by_piece,
            Usage {
                images: 1,
                ..tokens(12, 0, 0)
            },
            Some(5_000),
        ),
        (
            "no overflow",
            price(1e9, 1e9, 1e9),
            tokens(u64::MAX, 0, u64::MAX),
            Some(u64::MAX),
        ),
    ];
    for (what, price, usage, want) in cases {
        assert_eq!(price.of(usage), want.map(MicroUsd), "{what}");
    }
}

#[test]
fn only_what_may_have_been_billed_costs() {
    let tariff = Tariff::priced(price(0.15, 0.075, 0.6), &tokens(40, 0, 16));
    assert_eq!(tariff.forecast(), Some(MicroUsd(16)));
    let used = tokens(40, 0, 1);
    let run = |status, failed_in, usage| Billed {
        status,
        failed_in,
        usage,
    };
    let known = Some(Cost::Known(MicroUsd(7)));
    let cases = [
        ("answered", run(Some(200), None, Some(&used)), known),
        (
            "counted though refused",
            run(Some(500), None, Some(&used)),
            known,
        ),
        (
            "answered, nothing said",
            run(Some(200), None, None),
            Some(Cost::Unknown),
        ),
        (
            "cut while it streamed",
            run(Some(200), Some(Phase::Body), None),
            Some(Cost::Unknown),
        ),
        (
            "sent, no answer",
            run(None, Some(Phase::FirstByte), None),
            Some(Cost::Unknown),
        ),
        (
            "refused",
            run(Some(429), Some(Phase::FirstByte), None),
            None,
        ),
        ("not connected", run(None, Some(Phase::Connect), None), None),
        ("never begun", run(None, None, None), None),
    ];
    for (what, run, want) in cases {
        assert_eq!(tariff.cost(&run), want, "{what}");
        assert_eq!(Tariff::Free.cost(&run), None, "{what}");
        let blind = want.map(|_| Cost::Unknown);
        assert_eq!(Tariff::Unknown.cost(&run), blind, "{what}");
    }
    assert_eq!(Tariff::Unknown.forecast(), None);
}

#[test]
fn a_run_that_is_said_to_cost_nothing_is_free() {
    let price = Price {
        run: Some(MicroUsd::ZERO),
        ..Price::default()
    };
    assert_eq!(Tariff::priced(price, &tokens(1, 0, 1)), Tariff::Free);
}

#[test]
fn a_name_stands_for_its_versions_and_for_no_other_model() {
    let fits = |pattern: &str, model: &str| {
        let entry = Entry {
            model: pattern.to_owned(),
            ..Entry::default()
        };
        entry.fits(model).is_some()
    };
    for (pattern, model) in [
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("claude-haiku-4-5", "Claude-Haiku-4.5"),
        ("claude-3-5-haiku", "claude-3-5-haiku-latest"),
        ("gemini-2.0-flash", "gemini-2.0-flash-001"),
        ("gpt-*", "gpt-5"),
        ("*", "anything"),
        ("qwen*-instruct", "qwen2.5-7b-instruct"),
        ("*mini*", "gpt-4o-mini-tts"),
    ] {
        assert!(fits(pattern, model), "{pattern} {model}");
    }
    for (pattern, model) in [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o-mini", "gpt-4o-mini-tts"),
        ("gpt-4o", "gpt-4o-audio-preview-2024-12-17"),
        ("gpt-5", "gpt-5.1"),
        ("claude-sonnet-4", "claude-sonnet-4-5"),
        ("grok-4", "grok-4-1-fast"),
        ("gpt-4o", "gpt-4"),
        ("gpt-*", "o3"),
        ("a*b*c", "acb"),
        ("", "gpt"),
    ] {
        assert!(!fits(pattern, model), "{pattern} {model}");
    }
}

#[test]
fn the_closest_entry_wins() {
    let list: Vec<Entry> = ["gpt-*", "gpt-4o*", "gpt-4o", "gpt-4o-2024-05-13"]
        .map(|model| Entry {
            model: model.to_owned(),
            ..Entry::default()
        })
        .into();
    let best = |model| best(&list, model).map(|e| e.model.as_str());
    assert_eq!(best("gpt-4o"), Some("gpt-4o"));
    assert_eq!(best("gpt-4o-2024-08-06"), Some("gpt-4o"));
    assert_eq!(best("gpt-4o-2024-05-13"), Some("gpt-4o-2024-05-13"));
    assert_eq!(best("gpt-4o-audio"), Some("gpt-4o*"));
    assert_eq!(best("gpt-6"), Some("gpt-*"));
    assert_eq!(best("o3"), None);
}

#[test]
fn a_picture_is_priced_by_quality_and_size_and_a_job_by_its_seconds() {
    let entry = Entry {
        images: vec![("low/1024x1024".to_owned(), MicroUsd(5_000))],
        second: Some(MicroUsd(100_000)),
        ..Entry::default()
    };
    let image = |quality, size| entry.price(quality, size, None).image;
    assert_eq!(image(Some("low"), None), Some(MicroUsd(5_000)));
    assert_eq!(image(Some("low"), Some("auto")), Some(MicroUsd(5_000)));
    assert_eq!(image(Some("high"), None), None);
    assert_eq!(image(None, None), None);
    assert_eq!(
        entry.price(None, None, Some(4)).run,
        Some(MicroUsd(400_000))
    );
}
