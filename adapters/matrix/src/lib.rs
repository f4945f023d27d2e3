//! Matrix, end-to-end encrypted.
