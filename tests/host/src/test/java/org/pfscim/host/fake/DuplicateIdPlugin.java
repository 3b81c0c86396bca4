package org.pfscim.host.fake;

/** A plugin with the same id as {@link FakePlugin}. */
public class DuplicateIdPlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;
}
