//! Makes cases of a corpus. Each depends on its number only, so that one that fails can be played again.

use fastrand::Rng;
use watchfire::probe::faults::{Example, GROUPS};

/// Most inputs are short, as replies are; some are longer than any limit.
const LONGEST: usize = 300 * 1024;

/// What means something to those who read.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e400",
    "18446744073709551616",
    "0.1",
    "data: ",
    "data:",
    "event: error\n",
    "\n\n",
    "\r\n\r\n",
    "\r",
    "\n",
    ": keep-alive\n\n",
    "[DONE]",
    "data: [DONE]\n\n",
    "id: 1\n",
    "retry: 1\n",
    "\u{feff}",
    "\u{202e}",
    "\u{1b}[31m",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\"error\":",
    "\"message\":",
    "\"code\":",
    "\"type\":",
    "\"status\":",
    "\"detail\":",
    "\"errors\":",
    "\"choices\":",
    "\"delta\":",
    "\"content\":",
    "\"finish_reason\":",
    "\"stop\"",
    "\"length\"",
    "\"content_filter\"",
    "\"usage\":",
    "\"data\":",
    "\"b64_json\":",
    "\"url\":",
    "\"candidates\":",
    "\"parts\":",
    "\"text\":",
    "\"output\":",
    "\"object\":",
    "\"components\":",
    "\"incidents\":",
    "\"base_resp\":",
    "<html>",
    "<!doctype html>",
    "<title>",
    "</title>",
    "<Error>",
    "<Code>",
    "</Code>",
    "content-type: text/html\n",
    "content-type: application/json\n",
    "location: /\n",
    "cf-ray: 1\n",
    "server: cloudflare\n",
    "[[probe]]\n",
    "[service.a]\n",
    "kind = \"http\"\n",
    "url = \"http://127.0.0.1\"\n",
    " = ",
    "\"\"\"",
    "'",
    "#",
    "every = \"1s\"\n",
    "{ env = \"SET\" }",
    "expect = { json = { \"$.a\" = 1 } }\n",
    "(a*)*b",
    "99999999999999999999d",
    "\u{1f600}",
    "é",
];

pub struct Maker {
    corpus: Vec<Vec<u8>>,
    tokens: Vec<&'static [u8]>,
    salt: u64,
}

impl Maker {
    pub fn new(name: &str, mut corpus: Vec<Vec<u8>>) -> Self {
        let mut tokens: Vec<&[u8]> = TOKENS.iter().map(|t| t.as_bytes()).collect();
        for row in GROUPS.iter().flat_map(|group| group.rows) {
            let when = &row.when;
            for words in [when.words, when.says, when.besides, when.page] {
                tokens.extend(words.iter().map(|w| w.as_bytes()));
            }
            for example in row.examples {
                let (Example::Reply { body, .. } | Example::Inside(body)) = example else {
                    continue;
                };
                match name {
                    "refusal" => corpus.push(super::replies::written(example)),
                    "stream" => corpus.push(format!("data: {body}\n\n").into_bytes()),
                    "answer" => corpus.push(body.as_bytes().to_vec()),
                    _ => {}
                }
            }
        }
        Self {
            corpus,
            tokens,
            salt: name.bytes().fold(0, |sum, b| sum * 31 + u64::from(b)),
        }
    }

    pub fn case(&mut self, number: u64) -> Vec<u8> {
        let mut rng = Rng::with_seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.salt);
        let mut bytes = match rng.u8(..) {
            // From nothing: bytes, or tokens only.
            0..8 => (0..rng.usize(0..64)).map(|_| rng.u8(..)).collect(),
            8..24 => Vec::new(),
            _ => self.one(&mut rng).to_vec(),
        };
        for _ in 0..1 + rng.usize(0..6) {
            self.change(&mut bytes, &mut rng);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn one(&self, rng: &mut Rng) -> &[u8] {
        &self.corpus[rng.usize(0..self.corpus.len())]
    }

    fn change(&self, bytes: &mut Vec<u8>, rng: &mut Rng) {
        let at = rng.usize(0..=bytes.len());
        let to = rng.usize(at..=bytes.len());
        match rng.u8(0..12) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => {
                // Nested, or again and again.
                let piece = bytes[at..to].to_vec();
                let times = if rng.u8(..) == 0 {
                    5_000
                } else {
                    rng.usize(0..8)
                };
                for _ in 0..times {
                    if bytes.len() + piece.len() > LONGEST {
                        break;
                    }
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
            3 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << rng.u8(0..8);
                }
            }
            4 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = rng.u8(..);
                }
            }
            5 => {
                let other = self.one(rng);
                let from = rng.usize(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            6 => {
                let other = self.one(rng);
                bytes.splice(at..at, other.iter().copied());
            }
            7 if rng.u8(0..16) == 0 => {
                let byte = rng.u8(..);
                bytes.splice(at..at, std::iter::repeat_n(byte, rng.usize(0..LONGEST)));
            }
            _ => {
                for _ in 0..1 + rng.usize(0..4) {
                    let token = self.tokens[rng.usize(0..self.tokens.len())];
                    let (at, to) = if rng.bool() { (at, at) } else { (at, to) };
                    let to = to.min(bytes.len());
                    bytes.splice(at.min(to)..to, token.iter().copied());
                }
            }
        }
    }
}
