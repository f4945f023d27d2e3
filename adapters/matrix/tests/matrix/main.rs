//! The adapter against a real homeserver, with people who use an independent client.

mod bot;
mod desk;
mod login;
mod places;
mod secrecy;
mod talk;
mod trouble;
