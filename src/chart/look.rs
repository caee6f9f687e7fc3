//! How a figure looks: its size, its letters, and what each colour is for.
//!
//! Colours are named by their purpose, each with a value for light and for dark surroundings. Printed in grey they keep
//! their order: what is worse is further from the ground.

/// Size and colours. Lengths are in pixels of the finished figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Width of the whole figure; taken as 200 to 4000.
    pub width: u32,
    /// Height of ordinary letters; taken as 6 to 40.
    pub letter: u32,
    /// The colours it is drawn in.
    pub scheme: Scheme,
}

impl Look {
    /// For a page.
    pub const WIDE: Look = Look {
        width: 800,
        letter: 13,
        scheme: Scheme::Light,
    };
    /// For a telephone, and for a mail.
    pub const NARROW: Look = Look {
        width: 320,
        letter: 11,
        scheme: Scheme::Light,
    };

    /// For a mail: seen at three quarters of its size on a telephone, at half more beside other text.
    pub const MAIL: Look = Look {
        width: 360,
        letter: 13,
        scheme: Scheme::Light,
    };

    /// A look of this width, with letters that can be read at it.
    pub fn of_width(width: u32) -> Self {
        let letter = match width {
            0..480 => Self::NARROW.letter,
            480..640 => 12,
            _ => Self::WIDE.letter,
        };
        Self {
            width: width.clamp(200, 4000),
            letter,
            ..Self::WIDE
        }
    }
}

/// What surrounds the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// The ground of the figure.
    Ground,
    /// Words and axes.
    Text,
    /// Words of less weight.
    Muted,
    /// Lines that only guide the eye.
    Guide,
    /// The measured line.
    Line,
    /// Its uncertainty.
    Band,
    /// A second line beside the measured one.
    Beside,
    /// A mark from outside.
    Mark,
    /// The ground of a row of cells: nothing failed.
    Clean,
    /// A cell of the mildest step.
    Step1,
    /// A cell of the second step.
    Step2,
    /// A cell of the third step.
    Step3,
    /// A cell of the worst step.
    Step4,
    /// An incident that is degraded.
    Degraded,
    /// An incident that is partial.
    Partial,
    /// An incident that is major.
    Major,
    /// Recovered.
    Well,
}

impl Ink {
    /// All, so that a document can name them for both schemes.
    pub const ALL: &'static [Ink] = &[
        Ink::Ground,
        Ink::Text,
        Ink::Muted,
        Ink::Guide,
        Ink::Line,
        Ink::Band,
        Ink::Beside,
        Ink::Mark,
        Ink::Clean,
        Ink::Step1,
        Ink::Step2,
        Ink::Step3,
        Ink::Step4,
        Ink::Degraded,
        Ink::Partial,
        Ink::Major,
        Ink::Well,
    ];

    /// Red, green and blue. Within one scheme no two purposes share a value: a document tells them apart by it.
    pub const fn rgb(self, scheme: Scheme) -> (u8, u8, u8) {
        let (light, dark) = match self {
            Ink::Ground => (0xFF_FF_FF, 0x12_17_1C),
            Ink::Text => (0x1B_27_33, 0xE6_EB_F0),
            Ink::Muted => (0x5A_68_75, 0x9A_A7_B4),
            Ink::Guide => (0xDC_E1_E6, 0x2E_36_3F),
            Ink::Line => (0x1F_5F_A8, 0x86_BB_F5),
            Ink::Band => (0xC8_DB_F1, 0x27_41_5E),
            Ink::Beside => (0x7C_A3_CF, 0x55_7F_AC),
            Ink::Mark => (0x6B_4F_A0, 0xBF_A8_F0),
            Ink::Clean => (0xF0_F2_F4, 0x1F_27_2F),
            Ink::Step1 => (0xFA_DC_BD, 0x55_38_22),
            Ink::Step2 => (0xF0_A8_63, 0x93_52_1F),
            Ink::Step3 => (0xD2_60_2A, 0xDC_7B_38),
            Ink::Step4 => (0x8E_1B_12, 0xFF_C2_8F),
            Ink::Degraded => (0xD9_C6_5A, 0x7A_6C_24),
            Ink::Partial => (0xE5_9A_2F, 0xC9_83_22),
            Ink::Major => (0xB0_24_1C, 0xF7_7A_6E),
            Ink::Well => (0x2E_8B_57, 0x5F_C2_8C),
        };
        let value: u32 = match scheme {
            Scheme::Light => light,
            Scheme::Dark => dark,
        };
        let [_, red, green, blue] = value.to_be_bytes();
        (red, green, blue)
    }

    /// The step of a cell in which this share of the runs failed; `None` where none did.
    pub fn step(rate: f64) -> Option<Ink> {
        match rate {
            r if r <= 0.0 => None,
            r if r <= 0.1 => Some(Ink::Step1),
            r if r < 0.3 => Some(Ink::Step2),
            r if r < 0.6 => Some(Ink::Step3),
            _ => Some(Ink::Step4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.2), 0 black to 1 white.
    fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            match c {
                c if c <= 0.040_45 => c / 12.92,
                c => ((c + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(a: Ink, b: Ink, scheme: Scheme) -> f64 {
        let (a, b) = (luminance(a.rgb(scheme)), luminance(b.rgb(scheme)));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn what_is_worse_is_further_from_the_ground_also_in_grey() {
        for scheme in [Scheme::Light, Scheme::Dark] {
            for row in [
                [Ink::Clean, Ink::Step1, Ink::Step2, Ink::Step3, Ink::Step4].as_slice(),
                &[Ink::Ground, Ink::Degraded, Ink::Partial, Ink::Major],
            ] {
                for pair in row.windows(2) {
                    let [mild, bad] = pair else { continue };
                    let (mild, bad) = (
                        contrast(*mild, Ink::Ground, scheme),
                        contrast(*bad, Ink::Ground, scheme),
                    );
                    assert!(bad > mild * 1.15, "{scheme:?} {pair:?}: {mild} then {bad}");
                }
            }
        }
    }

    #[test]
    fn words_can_be_read_on_the_ground_of_both_schemes() {
        for scheme in [Scheme::Light, Scheme::Dark] {
            for ink in [Ink::Text, Ink::Muted, Ink::Mark] {
                assert!(
                    contrast(ink, Ink::Ground, scheme) >= 4.5,
                    "{scheme:?} {ink:?}"
                );
            }
        }
    }

    #[test]
    fn no_two_purposes_share_a_colour() {
        for scheme in [Scheme::Light, Scheme::Dark] {
            let mut values: Vec<_> = Ink::ALL.iter().map(|ink| ink.rgb(scheme)).collect();
            values.sort_unstable();
            values.dedup();
            assert_eq!(values.len(), Ink::ALL.len());
        }
    }
}
