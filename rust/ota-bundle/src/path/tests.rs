//! Path rules, one by one.
