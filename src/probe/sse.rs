//! Takes server-sent events apart (WHATWG HTML, 9.2), however their bytes are cut.
//!
//! Only `data` is of interest here. Comments, other fields and incomplete events at the end of the stream are dropped,
//! as the specification says. A line that grows beyond [`LONGEST_LINE`], or the reader's own limit, ends the reading.

/// A longer line is no event of an API that we know.
pub(super) const LONGEST_LINE: usize = 64 * 1024;

/// The state between two chunks.
#[derive(Debug)]
pub(super) struct Events {
    longest: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR: an LF that follows belongs to the same line end.
    after_cr: bool,
    begun: bool,
}

/// A line, or an event, is longer than an API sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

impl Default for Events {
    fn default() -> Self {
        Self::up_to(LONGEST_LINE)
    }
}

impl Events {
    /// With a limit of its own for a line and for an event, in bytes.
    pub(super) fn up_to(longest: usize) -> Self {
        Self {
            longest,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            begun: false,
        }
    }

    /// Takes the next bytes and gives the data of each event that they complete to `each`, until it answers `false`.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', bytes);
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + piece.len() > self.longest {
                return Err(TooLong);
            }
            self.line.extend_from_slice(piece);
            let Some(end) = end else { return Ok(()) };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if self.line_ends()? {
                let more = each(&self.data);
                self.data.clear();
                if !more {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Handles a whole line; true when an event is complete.
    fn line_ends(&mut self) -> Result<bool, TooLong> {
        if !std::mem::replace(&mut self.begun, true) && self.line.starts_with(b"\xef\xbb\xbf") {
            self.line.drain(..3);
        }
        let complete = self.line.is_empty() && std::mem::take(&mut self.has_data);
        if let Some(value) = self.line.strip_prefix(b"data") {
            let value = match value {
                [] => Some(value),
                [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
                _ => None,
            };
            if let Some(value) = value {
                if self.data.len() + value.len() >= self.longest {
                    return Err(TooLong);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
        }
        self.line.clear();
        Ok(complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Result<Vec<String>, TooLong> {
        let mut reader = Events::default();
        let mut out = Vec::new();
        for piece in pieces {
            reader.feed(piece, |data| {
                out.push(String::from_utf8_lossy(data).into_owned());
                true
            })?;
        }
        Ok(out)
    }

    #[test]
    fn events_are_the_same_wherever_the_bytes_are_cut_and_whatever_ends_the_lines() {
        let text = ": hello\nevent: x\ndata: {\"a\":\ndata: \"\u{e9}\"}\nid: 7\n\n\n\ndata:b\n\ndata\n\ndatax: no\n\ndata: cut off";
        let wanted = Ok(vec![
            "{\"a\":\n\"\u{e9}\"}".to_owned(),
            "b".to_owned(),
            String::new(),
        ]);
        for end in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', end);
            let bytes = text.as_bytes();
            for cut in 0..bytes.len() {
                assert_eq!(
                    events(&[&bytes[..cut], &bytes[cut..]]),
                    wanted,
                    "{end:?} cut at {cut}"
                );
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(events(&single), wanted, "{end:?} byte by byte");
        }
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_first_line() {
        assert_eq!(
            events(&[b"\xef\xbb\xbfdata: a\n\n"]),
            Ok(vec!["a".to_owned()])
        );
    }

    #[test]
    fn a_line_or_an_event_without_end_is_refused() {
        let long = vec![b'x'; LONGEST_LINE];
        assert_eq!(events(&[&long, b"x"]), Err(TooLong));
        let lines = b"data: 0123456789\n".repeat(10_000);
        assert_eq!(events(&[&lines]), Err(TooLong));
    }

    #[test]
    fn reading_stops_when_enough_was_seen() {
        let mut seen = 0;
        let fed = Events::default().feed(b"data: a\n\ndata: b\n\n", |_| {
            seen += 1;
            false
        });
        assert_eq!((fed, seen), (Ok(()), 1));
    }
}
