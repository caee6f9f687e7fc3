//! JSON as it really comes: a field of another type than documented counts as absent, and never as a fault of the whole.
//!
//! Everything borrows from the bytes that are read where it can, for a stream is read event by event.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// An object; `None` for everything else.
#[derive(Debug)]
pub(super) struct Lax<T>(pub Option<T>);

/// The first item of a list, when it is an object.
#[derive(Debug)]
pub(super) struct First<T>(pub Option<T>);

/// All objects of a list.
#[derive(Debug)]
pub(super) struct Each<T>(pub Vec<T>);

/// A text.
#[derive(Debug, Default)]
pub(super) struct Word<'a>(pub Option<Cow<'a, str>>);

/// A text that is not empty, or a list or an object that is not: whether there is one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Filled(pub bool);

/// Whether there is anything but `null` and `false`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen(pub bool);

/// A count; 0 for everything that is none.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Count(pub u64);

/// What a message says: a text, or parts of which some are text and some are thoughts.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    pub text: Cow<'a, str>,
    pub thought: bool,
}

impl<'a> Word<'a> {
    /// The text; empty when there is none.
    pub fn text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<T> Default for Lax<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Each<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What a visitor makes of values that it has no use for.
macro_rules! no_use_for {
    ($($what:ident),*) => { $(no_use_for!(@$what);)* };
    (@null) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
    (@truth) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
    (@numbers) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
    (@text) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
    (@list) => {
        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            skip_list(list)?;
            Ok(Self::Value::default())
        }
    };
    (@object) => {
        fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
            skip_object(object)?;
            Ok(Self::Value::default())
        }
    };
}

/// Passes over what is left; whether there was anything.
fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<bool, A::Error> {
    let mut any = false;
    while list.next_element::<IgnoredAny>()?.is_some() {
        any = true;
    }
    Ok(any)
}

/// Passes over what is left; whether there was anything.
fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<bool, A::Error> {
    let mut any = false;
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
        any = true;
    }
    Ok(any)
}

macro_rules! expecting {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON")
        }
    };
}

struct LaxVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lax<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LaxVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for LaxVisitor<T> {
    type Value = Lax<T>;
    expecting!();
    no_use_for!(null, truth, numbers, text, list);

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Lax<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|read| Lax(Some(read)))
    }
}

struct FirstVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FirstVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstVisitor<T> {
    type Value = First<T>;
    expecting!();
    no_use_for!(null, truth, numbers, text, object);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<T>, A::Error> {
        let first = list.next_element::<Lax<T>>()?;
        skip_list(list)?;
        Ok(First(first.and_then(|first| first.0)))
    }
}

struct EachVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(EachVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for EachVisitor<T> {
    type Value = Each<T>;
    expecting!();
    no_use_for!(null, truth, numbers, text, object);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Each<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = list.next_element::<Lax<T>>()? {
            all.extend(item.0);
        }
        Ok(Each(all))
    }
}

struct WordVisitor;

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WordVisitor)
    }
}

impl<'de> Visitor<'de> for WordVisitor {
    type Value = Word<'de>;
    expecting!();
    no_use_for!(null, truth, numbers, list, object);

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Word<'de>, E> {
        Ok(Word(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Word<'de>, E> {
        Ok(Word(Some(Cow::Owned(text.to_owned()))))
    }
}

struct FilledVisitor;

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(FilledVisitor)
    }
}

impl<'de> Visitor<'de> for FilledVisitor {
    type Value = Filled;
    expecting!();
    no_use_for!(null, truth, numbers);

    fn visit_str<E>(self, text: &str) -> Result<Filled, E> {
        Ok(Filled(!text.is_empty()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Filled, A::Error> {
        skip_list(list).map(Filled)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Filled, A::Error> {
        skip_object(object).map(Filled)
    }
}

struct SeenVisitor;

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SeenVisitor)
    }
}

impl<'de> Visitor<'de> for SeenVisitor {
    type Value = Seen;
    expecting!();
    no_use_for!(null);

    fn visit_bool<E>(self, truth: bool) -> Result<Seen, E> {
        Ok(Seen(truth))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Seen, E> {
        Ok(Seen(true))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Seen, E> {
        Ok(Seen(true))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Seen, E> {
        Ok(Seen(true))
    }

    fn visit_str<E>(self, _: &str) -> Result<Seen, E> {
        Ok(Seen(true))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Seen, A::Error> {
        skip_list(list)?;
        Ok(Seen(true))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Seen, A::Error> {
        skip_object(object)?;
        Ok(Seen(true))
    }
}

struct CountVisitor;

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(CountVisitor)
    }
}

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;
    expecting!();
    no_use_for!(null, truth, text, list, object);

    fn visit_u64<E>(self, count: u64) -> Result<Count, E> {
        Ok(Count(count))
    }

    fn visit_i64<E>(self, count: i64) -> Result<Count, E> {
        Ok(Count(u64::try_from(count).unwrap_or(0)))
    }

    fn visit_f64<E>(self, count: f64) -> Result<Count, E> {
        // `as` saturates, and takes NaN for 0.
        Ok(Count(count as u64))
    }
}

/// A part of a message's content.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow)]
    text: Word<'a>,
    thinking: Filled,
}

struct ContentVisitor;

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ContentVisitor)
    }
}

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;
    expecting!();
    no_use_for!(null, truth, numbers, object);

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Content<'de>, E> {
        Ok(Content {
            text: Cow::Borrowed(text),
            thought: false,
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<Content<'de>, E> {
        Ok(Content {
            text: Cow::Owned(text.to_owned()),
            thought: false,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content<'de>, A::Error> {
        let mut content = Content::default();
        while let Some(part) = list.next_element::<Lax<Part<'de>>>()? {
            let part = part.0.unwrap_or_default();
            content.text.to_mut().push_str(part.text.text());
            content.thought |= part.thinking.0;
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, Default)]
    #[serde(default)]
    struct All<'a> {
        #[serde(borrow)]
        word: Word<'a>,
        #[serde(borrow)]
        content: Content<'a>,
        #[serde(borrow)]
        first: First<Word1<'a>>,
        each: Each<Count1>,
        filled: Filled,
        seen: Seen,
        count: Count,
        lax: Lax<Count1>,
    }

    #[derive(Debug, Deserialize, Default)]
    #[serde(default)]
    struct Word1<'a> {
        #[serde(borrow)]
        a: Word<'a>,
    }

    #[derive(Debug, Deserialize, Default)]
    #[serde(default)]
    struct Count1 {
        a: Count,
    }

    #[test]
    fn a_field_of_any_type_spoils_nothing() {
        for value in [
            "null",
            "true",
            "false",
            "0",
            "-7",
            "1.5",
            "1e300",
            "\"x\"",
            "\"\\n\"",
            "[]",
            "[1]",
            "[[{}]]",
            "{}",
            "{\"a\":[]}",
            "[{\"a\":1},2]",
            "\"\\u00e9\"",
        ] {
            for field in [
                "word", "content", "first", "each", "filled", "seen", "count", "lax",
            ] {
                let text = format!("{{\"{field}\":{value},\"more\":{value}}}");
                let read: Result<Lax<All<'_>>, _> = serde_json::from_str(&text);
                assert!(read.is_ok_and(|all| all.0.is_some()), "{text}");
            }
            let read: Result<Lax<All<'_>>, _> = serde_json::from_str(value);
            assert_eq!(read.unwrap().0.is_some(), value.starts_with('{'), "{value}");
        }
    }

    #[test]
    fn what_fits_is_taken() {
        let text = r#"{"word":"w\n","content":[{"type":"text","text":"a"},{"text":"b"},{"thinking":[1]}],"first":[{"a":"f"},7],
            "each":[{"a":1},0,{"a":2.0}],"filled":[0],"seen":{},"count":-1,"lax":{"a":9}}"#;
        let all: All<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(
            (all.word.text(), &*all.content.text, all.content.thought),
            ("w\n", "ab", true)
        );
        assert_eq!(all.first.0.unwrap().a.text(), "f");
        assert_eq!(all.each.0.iter().map(|c| c.a.0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((all.filled.0, all.seen.0, all.count.0), (true, true, 0));
        assert_eq!(all.lax.0.unwrap().a.0, 9);
    }
}
