//! Starts the whole system and talks to it.
