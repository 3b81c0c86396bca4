//! Remove-as-disable: the decision table of design section 4, as a pure function.
