//! Claims about the clocks of a stream, and about where its bytes are cut.

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn piece(delta: &str, finish: &str) -> String {
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
    )
}

fn play(pieces: &[(u64, String)], end: u64) -> (Turn, Option<Duration>, Trace) {
    let mut stream = Box::new(ChatStream::new(Shape::OpenAi, MS(1000)));
    let mut turn = Turn::More;
    for (at, text) in pieces {
        assert_eq!(turn, Turn::More, "fed after enough");
        turn = stream.feed(text.as_bytes(), MS(*at));
    }
    let deadline = stream.deadline();
    (turn, deadline, stream.finish(MS(end)))
}

#[test]
fn only_text_counts_as_a_token() {
    let (turn, deadline, trace) = play(
        &[
            (10, ": keep-alive\n\n".to_owned()),
            (20, piece(r#"{"role":"assistant","content":""}"#, "null")),
            (30, piece(r#"{"content":null}"#, "null")),
            (100, piece(r#"{"content":"po"}"#, "null")),
            (250, ": still here\n\n".to_owned()),
            (400, piece(r#"{"content":"ng"}"#, "null")),
            (410, piece("{}", "\"stop\"")),
            (
                420,
                "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n".to_owned(),
            ),
            (430, "data: [DONE]\n\n".to_owned()),
        ],
        430,
    );
    assert_eq!((turn, deadline), (Turn::Enough, Some(MS(1410))));
    let mut wanted = Trace {
        first_event: Some(MS(20)),
        first_token: Some(MS(100)),
        last_token: Some(MS(400)),
        longest_gap: Some(MS(300)),
        tokens: 2,
        moments_us: vec![100_000, 400_000],
        text: "pong".to_owned(),
        finish: Some("stop".to_owned()),
        terminal: true,
        ..Trace::default()
    };
    wanted.counted.usage.input_tokens = 9;
    wanted.counted.usage.output_tokens = 2;
    assert_eq!(trace, wanted);
}

#[test]
fn comments_do_not_put_off_the_stall() {
    let token = (100, piece(r#"{"content":"a"}"#, "null"));
    let (_, deadline, _) = play(
        &[
            token,
            (900, ":\n\n".to_owned()),
            (1000, "data: {}\n\n".to_owned()),
        ],
        1100,
    );
    assert_eq!(deadline, Some(MS(1100)));
    let (_, deadline, trace) = play(&[(900, ": hello\n\n".to_owned())], 1000);
    assert_eq!((deadline, trace), (None, Trace::default()));
}

#[test]
fn reasoning_stops_the_first_token_clock_and_is_not_the_answer() {
    for delta in [
        r#"{"reasoning_content":"hm"}"#,
        r#"{"reasoning":"hm","content":""}"#,
        r#"{"thinking":"hm","content":null}"#,
        r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}"#,
    ] {
        let (_, _, trace) = play(&[(50, piece(delta, "null"))], 60);
        let seen = (
            trace.first_token,
            trace.tokens,
            trace.text.as_str(),
            trace.thought,
        );
        assert_eq!(seen, (Some(MS(50)), 1, "", true), "{delta}");
    }
}

#[test]
fn the_silence_before_a_cut_is_a_gap() {
    let (_, _, trace) = play(&[(50, piece(r#"{"content":"a"}"#, "null"))], 950);
    assert_eq!(trace.longest_gap, Some(MS(900)));
    assert!(!trace.terminal && trace.finish.is_none());
}

#[test]
fn what_is_no_json_or_too_long_ends_the_reading() {
    let (turn, _, trace) = play(&[(1, "data: {malformed\n\n".to_owned())], 2);
    assert_eq!(
        (turn, trace.malformed.map(|m| m.kind)),
        (Turn::Enough, Some(FailureKind::WrongContent))
    );
    let (turn, _, trace) = play(&[(1, "x".repeat(LONGEST_LINE + 1))], 2);
    assert_eq!(
        (turn, trace.malformed.map(|m| m.kind)),
        (Turn::Enough, Some(FailureKind::TooLarge))
    );
}

#[test]
fn the_moments_of_a_long_stream_are_thinned_and_its_tokens_all_counted() {
    let tokens: Vec<_> = (1..=5_000)
        .map(|at| (at, piece(r#"{"content":"a"}"#, "null")))
        .collect();
    let (_, _, trace) = play(&tokens, 5_000);
    assert_eq!((trace.tokens, trace.text.len()), (5_000, 5_000));
    let moments = trace.moments_us;
    assert!(
        moments.len() > Trace::MOST_MOMENTS / 4 && moments.len() <= Trace::MOST_MOMENTS,
        "{}",
        moments.len()
    );
    assert_eq!(moments[0], 1_000);
    let step = moments[1] - moments[0];
    assert!(
        moments.windows(2).all(|pair| pair[1] - pair[0] == step),
        "{moments:?}"
    );
}

/// A good answer of each shape, with all that may stand around it, and `Paris` in the middle.
const STREAMS: [(Shape, &str); 4] = [
    (
        Shape::OpenAi,
        ": OPENROUTER PROCESSING\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
         data: {\"choices\":[{\"delta\":{\"content\":\"P\u{e1}\"},\"finish_reason\":null}]}\n\n\
         data: {\"choices\":[{\"delta\":{\"content\":\"r\\u00eds\"},\"finish_reason\":\"stop\"}]}\n\n\
         data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n",
    ),
    (
        Shape::Responses,
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\",\"error\":null}}\n\n\
         event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"P\u{e1}\"}\n\n\
         event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"r\\u00eds\"}\n\n\
         event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"error\":null,\
         \"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"P\u{e1}r\u{ed}s\"}]}],\
         \"usage\":{\"input_tokens\":7,\"output_tokens\":2}}}\n\n",
    ),
    (
        Shape::Anthropic,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"type\":\"message\",\"content\":[],\"stop_reason\":null,\
         \"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n\
         event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
         event: ping\ndata: {\"type\": \"ping\"}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"P\u{e1}\"}}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"r\\u00eds\"}}\n\n\
         event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ),
    (
        Shape::Gemini,
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"P\u{e1}\"}],\"role\":\"model\"}}],\"usageMetadata\":{\"promptTokenCount\":7}}\n\n\
         data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"r\\u00eds\"}]},\"finishReason\":\"STOP\"}],\
         \"usageMetadata\":{\"promptTokenCount\":7,\"candidatesTokenCount\":2}}\n\n",
    ),
];

#[test]
fn every_shape_is_read_the_same_wherever_its_bytes_are_cut() {
    for (shape, text) in STREAMS {
        let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut stream = Box::new(ChatStream::new(shape, MS(1000)));
            for piece in pieces {
                if stream.feed(piece, MS(5)) == Turn::Enough {
                    break;
                }
            }
            stream.finish(MS(5))
        };
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let bytes = text.as_bytes();
            let whole = read(&mut std::iter::once(bytes));
            assert_eq!(
                (whole.text.as_str(), whole.tokens),
                ("P\u{e1}r\u{ed}s", 2),
                "{shape:?}"
            );
            assert!(whole.finish.is_some() && whole.error.is_none() && whole.malformed.is_none());
            let usage = whole
                .counted
                .told()
                .map(|u| (u.input_tokens, u.output_tokens));
            assert_eq!(usage, Some((7, 2)), "{shape:?}");
            assert_eq!(read(&mut bytes.chunks(1)), whole, "{shape:?} byte by byte");
            for cut in 0..bytes.len() {
                let (head, tail) = bytes.split_at(cut);
                assert_eq!(
                    read(&mut [head, tail].into_iter()),
                    whole,
                    "{shape:?} cut at {cut}"
                );
            }
        }
    }
}

#[test]
fn a_ping_is_an_event_and_no_token() {
    let mut stream = Box::new(ChatStream::new(Shape::Anthropic, MS(1000)));
    stream.feed(b"event: ping\ndata: {\"type\":\"ping\"}\n\n", MS(5));
    assert_eq!(stream.deadline(), None);
    let trace = stream.finish(MS(9));
    assert_eq!(
        (trace.first_event, trace.first_token, trace.tokens),
        (Some(MS(5)), None, 0)
    );
}

#[test]
fn a_text_that_comes_only_with_the_end_of_a_response_counts() {
    let event = "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[{\"type\":\"message\",\
        \"content\":[{\"type\":\"output_text\",\"text\":\"Paris\"}]}]}}\n\n";
    let mut stream = Box::new(ChatStream::new(Shape::Responses, MS(1000)));
    assert_eq!(stream.feed(event.as_bytes(), MS(5)), Turn::Enough);
    let trace = stream.finish(MS(9));
    assert_eq!(
        (trace.text.as_str(), trace.tokens, trace.terminal),
        ("Paris", 1, true)
    );
}
