//! The one writer: import, reorganise, revert, and updates since a cursor.
