//! Numbers that look random and follow from a seed: splitmix64.

/// The generator, and its seed.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

// === impl Random ===

impl Random {
    /// The seed of the environment variable `SWITCHYARD_SEED`, else of the clock.
    pub fn seed() -> u64 {
        let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        std::env::var("SWITCHYARD_SEED").ok().map_or_else(clock, |seed| seed.parse().expect("a seed is a number"))
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
