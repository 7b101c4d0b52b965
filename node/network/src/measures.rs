//! How full the buffers are: for metrics, and for the simulator's invariant that none grows without
//! bound.

/// Sizes of buffers, each with the most that it may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measures(pub Vec<Measure>);

/// One buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// What it holds now.
    pub size: usize,
    /// What it may hold at most.
    pub bound: usize,
}

impl Measures {
    pub(crate) fn add(&mut self, name: &'static str, size: usize, bound: usize) {
        self.0.push(Measure { name, size, bound });
    }

    /// The first buffer above its bound.
    #[must_use]
    pub fn broken(&self) -> Option<&Measure> {
        self.0.iter().find(|measure| measure.size > measure.bound)
    }
}
