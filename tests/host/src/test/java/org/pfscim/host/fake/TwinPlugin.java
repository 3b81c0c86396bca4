package org.pfscim.host.fake;

/** Another class with the same id. */
public class TwinPlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;
}
