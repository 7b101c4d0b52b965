//! Stands for `x86` on other processors: the same kernels, none of which is ever there.

pub(crate) mod shani {
    use crate::{Block, State};

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Detected {}

    impl Detected {
        pub(crate) const fn new() -> Option<Self> {
            None
        }

        pub(crate) const fn compress<const L: usize>(self, _: &mut [State; L], _: &[&[Block]; L]) {
            match self {}
        }

        pub(crate) const fn twice<const L: usize>(
            self,
            _: &State,
            _: &[u32; 16],
            _: &[u32; L],
        ) -> [u32; L] {
            match self {}
        }
    }
}

pub(crate) mod avx512 {
    use crate::{Block, State};

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Detected {}

    impl Detected {
        pub(crate) const fn new() -> Option<Self> {
            None
        }

        pub(crate) const fn compress(self, _: &mut [State; 16], _: &[&[Block]; 16]) {
            match self {}
        }

        pub(crate) const fn twice(self, _: &State, _: &[u32; 16], _: &[u32; 16]) -> [u32; 16] {
            match self {}
        }
    }
}
