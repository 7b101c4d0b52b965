//! What a chain is: the parameters of dev, test and main.
