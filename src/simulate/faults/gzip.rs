//! Gzip by hand (RFC 1951, RFC 1952): the smallest thing that unpacks to the most.

/// The beginning of a gzip stream in which each zero byte that follows unpacks to 1,032 zeros: the densest that deflate
/// can be. It never ends by itself.
pub(super) fn bomb() -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut bits = Bits::default();
    // Not the last block; Huffman codes of its own.
    bits.push(0, 1);
    bits.push(2, 2);
    // 286 literals and lengths, 1 distance, 18 lengths of code lengths.
    bits.push(29, 5);
    bits.push(0, 5);
    bits.push(14, 4);
    // In the order that the RFC gives: 16, 17, 18, 0, .. 2, 14, 1. Used are 18 (one bit), 2 and 1 (two bits each).
    for n in 0..18 {
        let bits_of = match n {
            2 => 1,
            15 | 17 => 2,
            _ => 0,
        };
        bits.push(bits_of, 3);
    }
    let zeros = |bits: &mut Bits, count: u32| {
        bits.push(0, 1);
        bits.push(count - 11, 7);
    };
    // Codes are written from their first bit: 1 is `10`, 2 is `11`.
    let (one, two) = (0b01, 0b11);
    // Literal 0 has two bits, the end of the block two, the length 258 one; so has the distance 1.
    bits.push(two, 2);
    zeros(&mut bits, 138);
    zeros(&mut bits, 117);
    bits.push(two, 2);
    zeros(&mut bits, 28);
    bits.push(one, 2);
    bits.push(one, 2);
    // One zero, as `10`. From here on, `0` is "258 more" and `0` is "of the last byte".
    bits.push(0b01, 2);
    out.extend(bits.bytes());
    out
}

/// Bits as deflate packs them, the lowest first.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    hold: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, width: u32) {
        self.hold |= value << self.count;
        self.count += width;
        while self.count >= 8 {
            self.out.push((self.hold & 0xff) as u8);
            self.hold >>= 8;
            self.count -= 8;
        }
    }

    fn bytes(mut self) -> Vec<u8> {
        self.push(0, 7);
        self.out
    }
}
